from __future__ import annotations

import io
import runpy
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tcp_probe.rehearse import guard
from tcp_probe.rehearse.processes import guarded, hears, kill_group

PATIENCE = 20.0
PYTHON = (sys.executable, "-I", "-S", "-c")
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that carry a token, and end them."""
    started: list[subprocess.Popen[bytes]] = []

    def start(source: str, token: str = "") -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*PYTHON, source],
            env={guard.VARIABLE: token},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    return process.stdout.readline().decode().strip()


def test_all_that_carries_the_token_is_killed(
    start: Start, wait_until_ended: Callable[..., None]
) -> None:
    """Also a grandchild that has gone into a session of its own; and nothing else."""
    token = uuid.uuid4().hex
    source = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
time.sleep(100)
"""
    marked = start(source, token)
    other = start("import time; print(flush=True); time.sleep(100)", "another token")
    grandchild = psutil.Process(int(said(marked)))
    said(other)
    guard.kill_marked(token)
    assert marked.wait(PATIENCE) == -signal.SIGKILL
    wait_until_ended(grandchild)
    assert other.poll() is None


def test_the_guard_kills_when_its_pipe_ends(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is run as a file, with the token as its argument."""
    token = uuid.uuid4().hex
    marked = start("import time; print(flush=True); time.sleep(100)", token)
    said(marked)
    monkeypatch.setattr(sys, "argv", [guard.__file__, token])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    runpy.run_path(guard.__file__, run_name="__main__")
    assert marked.wait(PATIENCE) == -signal.SIGKILL


def test_a_process_that_does_not_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may be stuck in the kernel, or gone between look and kill: the guard gives up in time."""
    token = uuid.uuid4().hex
    gone = subprocess.Popen([*PYTHON, ""])
    gone.wait()
    (tmp_path / str(gone.pid)).mkdir()
    (tmp_path / str(gone.pid) / "environ").write_text(f"A=1\0{guard.VARIABLE}={token}\0")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "environ").mkdir()
    monkeypatch.setattr(guard, "PROC", tmp_path)
    monkeypatch.setattr(guard, "TRIES", 3)
    guard.kill_marked(token)


def test_nothing_that_carries_the_token_outlives_the_body(start: Start) -> None:
    """Whatever ends it."""
    token = uuid.uuid4().hex
    marked = start("import time; print(flush=True); time.sleep(100)", token)
    said(marked)

    def body() -> None:
        with guarded(token):
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        body()
    assert marked.wait(PATIENCE) == -signal.SIGKILL


def test_nothing_that_carries_the_token_outlives_the_rehearsal(start: Start) -> None:
    """A SIGKILL leaves the rehearsal no time to clean up: the guard does it."""
    token = uuid.uuid4().hex
    marked = start("import time; print(flush=True); time.sleep(100)", token)
    said(marked)
    source = f"""
import os, sys, time
from tcp_probe.rehearse.processes import guarded
with guarded({token!r}):
    print(flush=True)
    time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as rehearsal:
        said(rehearsal)
        rehearsal.kill()
    assert marked.wait(PATIENCE) == -signal.SIGKILL


def test_a_group_that_is_gone_is_no_error() -> None:
    """A container may have ended by itself."""
    process = subprocess.Popen([*PYTHON, ""], start_new_session=True)
    process.wait()
    kill_group(process.pid)


READY = "print(flush=True); time.sleep(100)"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "signal.signal(signal.SIGINT, print)",
    ],
)
def test_sigterm_does_not_reach_pid_1_where_it_is_not_handled(source: str, start: Start) -> None:
    """That is so for a Python without a handler of its own."""
    process = start(f"import signal, time; {source}\n{READY}")
    said(process)
    assert not hears(process.pid)


@pytest.mark.parametrize(
    "source",
    [
        "signal.signal(signal.SIGTERM, print)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
    ],
)
def test_sigterm_reaches_pid_1_where_it_is_handled(source: str, start: Start) -> None:
    """By a handler, or by one that has blocked it to fetch it itself, as small inits do."""
    process = start(f"import signal, time; {source}\n{READY}")
    said(process)
    assert hears(process.pid)


def test_where_nothing_can_be_told_sigterm_is_sent() -> None:
    """The process may be gone, and elsewhere than on Linux there is no /proc."""
    process = subprocess.Popen([*PYTHON, ""])
    process.wait()
    assert hears(process.pid)

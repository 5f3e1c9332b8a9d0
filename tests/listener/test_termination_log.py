"""What is in the termination log, and what is left alone there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import tcp_probe
from tcp_probe import _termination_log

Soon = Callable[..., None]
Until = Callable[..., Awaitable[None]]


async def test_the_file_of_the_argument(file: Path) -> None:
    """The file is the one that `termination_log` names, as a text or as a path."""
    for path in (file, str(file)):
        file.write_text("")
        async with tcp_probe.serve(0, termination_log=path) as probe:
            probe.fail("draining")
            assert file.read_text() == f"port {probe.port} refuses checks: draining\n"
            probe.recover()
            assert not file.read_text()


async def test_a_further_reason(file: Path, lines: Callable[[], list[str]], until: Until) -> None:
    """Of a port that refuses already only the first reason is told, also when another stands."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        told = f"port {probe.port} refuses checks: draining"
        probe.fail("draining")
        with probe.watchdog(0.001):
            await until(lambda: len(probe.reasons) == 2)
            assert file.read_text() == f"{told}\n"
            probe.recover()
            assert probe.reasons == ("a watchdog ran out: no reset for 0.001 s",)
            assert file.read_text() == f"{told}\n"
    refused = [line for line in lines() if "refuses" in line]
    assert refused[:1] == [f"WARNING {told}"]
    assert not any("watchdog" in line for line in refused)


async def test_no_file(tmp_path: Path) -> None:
    """Where there is no file none is made."""
    async with tcp_probe.serve(0, termination_log=tmp_path / "termination-log") as probe:
        probe.fail("draining")
    assert not list(tmp_path.iterdir())


async def test_the_file_of_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable goes before the argument; but None is none."""
    monkeypatch.setenv("TCP_PROBE_TERMINATION_LOG", str(file))
    async with tcp_probe.serve(0, termination_log=None) as probe:
        probe.fail("draining")
        assert not file.read_text()
    async with tcp_probe.serve(0, termination_log=file.parent / "other") as probe:
        probe.fail("draining")
        assert file.read_text()


def test_a_path_that_is_none() -> None:
    """What is no path is refused when `serve` is called, with what was given."""
    with pytest.raises(TypeError, match=r"termination_log: expected a path or None, got 1 \(int\)"):
        tcp_probe.serve(0, termination_log=1)  # type: ignore[arg-type]


async def test_two_ports(file: Path) -> None:
    """Ports of one process share the file: it says of each why it refuses, while it does."""
    async with (
        tcp_probe.serve(0, termination_log=file) as one,
        tcp_probe.serve(0, termination_log=file) as other,
    ):
        one.fail("disk full")
        other.fail("draining")
        both = (
            f"port {one.port} refuses checks: disk full\n"
            f"port {other.port} refuses checks: draining\n"
        )
        assert file.read_text() == both
        one.recover()
        assert file.read_text() == f"port {other.port} refuses checks: draining\n"


async def test_the_next_worker(file: Path, free_port: int) -> None:
    """A worker that serves the same port again takes away what the one before has left."""
    with pytest.raises(ZeroDivisionError):
        async with tcp_probe.serve(free_port, termination_log=file):
            raise ZeroDivisionError
    assert file.read_text()
    async with tcp_probe.serve(free_port, termination_log=file):
        assert not file.read_text()


async def test_another_process(file: Path) -> None:
    """What is said of another port, by another process, is left alone."""
    text = "port 1 refuses checks: draining\n"
    file.write_text(text)
    async with tcp_probe.serve(0, termination_log=file) as probe:
        probe.fail("draining too")
        assert file.read_text() == text
        file.write_text("")
        probe.recover()
        probe.fail("draining again")
        assert "draining again" in file.read_text()


async def test_text_that_is_added(file: Path) -> None:
    """What somebody adds to ours is not taken away with it."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        probe.fail("draining")
        with file.open("a") as other:
            other.write("disk full\n")
        probe.recover()
        assert file.read_text().endswith("draining\ndisk full\n")


async def test_the_end_after_a_refusal(file: Path, until: Until) -> None:
    """An end that was meant says again what was said shortly before; it may be due to that."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        with probe.watchdog(0.01):
            await until(lambda: not probe.listening)
        await until(lambda: not file.read_text())
    text = file.read_text()
    assert "a watchdog ran out: no reset for 0.01 s; the port answered again 0." in text
    assert "in test_the_end_after_a_refusal\n" in text


async def test_the_end_long_after_a_refusal(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is long past is not said again."""
    monkeypatch.setattr(_termination_log, "_RECENT", 0)
    async with tcp_probe.serve(0, termination_log=file) as probe:
        probe.fail("draining")
        probe.recover()
    assert not file.read_text()


async def test_what_a_forked_child_does(file: Path) -> None:
    """In a child, as far as it can be seen in this process, nothing is written any more."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        _termination_log._before_fork()
        _termination_log._after_fork_in_child()
        probe.fail("in a child")
    assert not file.read_text()


async def test_a_worker_that_did_not_begin(file: Path, taken_port: int) -> None:
    """An attempt to listen that failed leaves nothing behind."""
    with pytest.raises(OSError, match="in use"):
        async with tcp_probe.serve(taken_port, host="127.0.0.1", termination_log=file):
            pass
    assert not _termination_log._files


def test_the_file_is_used_while_nobody_can_wait_for_it(file: Path, soon: Soon) -> None:
    """The thread that watches holds no lock of the port's while it uses a file."""
    with tcp_probe.serve(0, termination_log=file) as probe:
        gate = probe._port.gate
        held = []

        def keep_armed() -> float:
            held.append(gate.lock._is_owned())  # type: ignore[attr-defined]
            return float("inf")

        probe._port.timers.keep_armed = keep_armed
        with probe.watchdog(0.01):
            soon(lambda: held)
    assert not any(held)


def test_what_a_signal_handler_raises_while_the_file_is_used_is_not_lost(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler's TimeoutError is meant for the worker; an error of the file is not."""
    with tcp_probe.serve(0, termination_log=file) as probe:
        words = probe._port.gate.last_words

        def struck(*_: object) -> None:
            raise TimeoutError("the job took too long")

        with pytest.raises(TimeoutError, match="too long"):
            words._use(struck)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no space")

        words._use(full)


def test_a_dump_that_an_earlier_worker_left_is_ours(file: Path, soon: Soon) -> None:
    """A worker that is started again in the same container writes over it."""
    file.write_bytes(b"Timeout (0:00:34)!\nThread 0x1 (most recent call first):\n")
    with tcp_probe.serve(0, termination_log=file) as probe:
        probe.fail("full")
        soon(lambda: file.read_bytes().startswith(b"port "))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_signal_handler_that_raises_in_a_fork_leaves_no_lock_held(file: Path) -> None:
    """Whatever strikes the hooks round a fork, the file can be used afterwards."""
    code = f"""
import os, signal, sys, threading, tcp_probe
from tcp_probe import _in_order, _termination_log
def strike(*_): raise ValueError("struck")
for name in ("pause_in_fork", "go_on_after_fork"):
    def hook(self, name=name): raise ValueError("struck")
    setattr(_termination_log._File, name, hook)
sys.unraisablehook = lambda _: None
probe = tcp_probe.start(0, termination_log={str(file)!r})
pid = os.fork()
if not pid:
    os._exit(0)
os.waitpid(pid, 0)
free = []
def look():
    free.append(_termination_log._lock.acquire(timeout=10))
    if free[0]:
        _termination_log._lock.release()
thread = threading.Thread(target=look)
thread.start()
thread.join()
probe.close()
print(free)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[True]\n"


def test_what_an_earlier_worker_said_goes_with_the_next_on_its_port(file: Path) -> None:
    """A port that ended, and is served again, has nothing to say beside another of the process."""

    def message(port: int) -> _termination_log.TerminationMessage:
        return _termination_log.TerminationMessage(str(file), port, print)

    other, one = message(2), message(1)
    one.refuses("a watchdog ran out", "")
    one.listens()
    one.ends()
    one.close()
    assert "a watchdog ran out; the port answered again" in file.read_text()
    one = message(1)
    other.refuses("draining", "")
    assert file.read_text() == "port 2 refuses checks: draining\n"
    one.close()
    other.close()


async def test_readiness_is_no_reason_to_end(file: Path, until: Until) -> None:
    """A port with a condition writes nothing: its refusals restart no container."""

    async def condition() -> bool:
        return False

    async with tcp_probe.serve(0, condition=condition, termination_log=file) as probe:
        await until(lambda: probe.reasons == ("the condition returned False",))
        probe.fail("draining")
        assert file.read_text() == ""

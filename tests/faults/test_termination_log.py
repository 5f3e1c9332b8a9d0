from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
Soon = Callable[[Callable[[], object]], None]
Refusal = Callable[[Any], str]

# What kubelet reads of the file.
MOST = 4096

# Then it is the stall that is seen, and not the full queue.
DEEP = 100

WORKER = Path(__file__).with_name("worker.py")


def named(path: Path, marked: dict[str, str]) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(marked, "TCP_PROBE_TERMINATION_LOG", str(path))
        yield path


@pytest.fixture
def file(tmp_path: Path, marked: dict[str, str]) -> Iterator[Path]:
    """Have an empty file where the workers look for the termination log."""
    path = tmp_path / "termination-log"
    path.touch()
    yield from named(path, marked)


@pytest.fixture(params=["vanished", "missing", "directory", "FIFO", "device", "read-only", "full"])
def useless(
    request: pytest.FixtureRequest, tmp_path: Path, marked: dict[str, str]
) -> Iterator[Path]:
    """Have something there that nothing can be written to."""
    path = tmp_path / "termination-log"
    descriptor = None
    if request.param == "vanished":
        path.touch()
    elif request.param == "directory":
        path.mkdir()
    elif request.param == "FIFO":
        os.mkfifo(path)
    elif request.param == "device":
        path = Path("/dev/full")
    elif request.param == "read-only":
        path = Path("/proc/sys/kernel/ostype")  # for root too
    elif request.param == "full":
        descriptor = os.memfd_create("full", os.MFD_ALLOW_SEALING)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
        path = Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    yield from named(path, marked)
    if descriptor is not None:
        os.close(descriptor)


@pytest.fixture
def refusal(soon: Soon, file: Path) -> Callable[[Any], str]:
    """Wait until the file tells of a refusal of a worker's port, and return it from its reason."""

    def refusal(worker: Any) -> str:
        soon(file.read_text)
        text = file.read_text()
        begins = f"port {worker.port} refuses checks: "
        assert text.startswith(begins)
        return text.removeprefix(begins)

    return refusal


def place(text: str) -> str:
    """Tell where a line of worker.py stands, in the words of faulthandler."""
    (number,) = (n for n, line in enumerate(WORKER.read_text().splitlines(), 1) if text in line)
    return f'  File "{WORKER}", line {number} in '


def test_a_blocked_loop(start: Start, soon: Soon, refusal: Refusal, file: Path) -> None:
    """The file says why the port refuses, and by what the loop is blocked, until it runs again."""
    worker = start("blocked_by_a_sleep", stall_timeout=0.3, backlog=DEEP)
    text = refusal(worker)
    reason = "the event loop has not run for 0.3 s"
    assert text.startswith(f"{reason}\nthe thread stands at ")
    assert "in blocked_by_a_sleep\n" in text
    assert worker.check() == "refused"
    worker.tell()
    soon(lambda: not file.read_text())
    soon(lambda: worker.check() == "passed")


def test_the_message_of_a_killed_worker(start: Start, soon: Soon, file: Path) -> None:
    """What was written stays when the worker is killed."""
    worker = start("blocked_by_a_sleep", stall_timeout=0.3, backlog=DEEP)
    soon(file.read_text)
    text = file.read_text()
    worker.process.kill()
    worker.process.wait()
    assert file.read_text() == text


def test_a_silent_await(start: Start, soon: Soon, refusal: Refusal, file: Path) -> None:
    """The file says that a watchdog ran out, and for what the task waits, until that comes."""
    worker = start("silent_await")
    text = refusal(worker)
    reason = "a watchdog ran out: no reset for 0.3 s"
    assert text.startswith(f"{reason}\nthe task waits at ")
    assert "in silent_await\n" in text
    assert "in reply\n" in text
    worker.tell()
    soon(lambda: not file.read_text())


def test_a_verdict(start: Start, soon: Soon, file: Path) -> None:
    """The file holds the verdict of `fail` until `recover` takes it back."""
    worker = start("fails")
    soon(lambda: file.read_text() == f"port {worker.port} refuses checks: draining\n")
    worker.tell()
    soon(lambda: not file.read_text())


def test_an_exception(start: Start, refusal: Refusal) -> None:
    """The file says with what the worker ended, and where it was raised."""
    worker = start("raises")
    text = refusal(worker)
    reason = "the worker ended with ValueError('bad job')"
    assert text.startswith(f"{reason}\nit was raised at ")
    assert text.endswith('in raises\n    raise ValueError("bad job")\n')


def test_a_broken_probe(start: Start, refusal: Refusal) -> None:
    """The file says that the probe itself broke, and where."""
    worker = start("out_of_threads", stall_timeout=None)
    text = refusal(worker)
    reason = """the probe itself broke: RuntimeError("can't start new thread")"""
    assert text.startswith(f"{reason}\nit was raised at ")
    assert "in start\n" in text


def test_a_deep_stack(start: Start, soon: Soon, file: Path) -> None:
    """At most 4096 bytes: the reason comes first, and the outermost frames are left out."""
    worker = start("blocked_deep_down", stall_timeout=0.3, backlog=DEEP)
    soon(file.read_text)
    text = file.read_text()
    assert MOST - 400 < len(text) <= MOST
    assert text.startswith(f"port {worker.port} refuses checks: the event loop has not run")
    assert "(most recent call last):\n  ...\n" in text
    assert "in <module>" not in text
    assert text.endswith("in down\n    sys.stdin.readline()\n")


@pytest.mark.parametrize("fault", ["returns", "exits"])
def test_a_clean_end(fault: str, start: Start, soon: Soon, file: Path) -> None:
    """Of an end that was meant, which is told at level INFO, the file says nothing."""
    worker = start(fault)
    soon(lambda: f"INFO port {worker.port} refuses checks: the worker " in worker.log)
    assert not file.read_text()


def test_readiness(start: Start, soon: Soon, file: Path) -> None:
    """Of a port with a condition, which is no reason to end, the file says nothing."""
    worker = start("is_not_ready")
    soon(lambda: "refuses checks: the condition returned False" in worker.log)
    assert not file.read_text()


def test_an_end_shortly_after_a_refusal(start: Start, soon: Soon, file: Path) -> None:
    """A worker that leaves its watchdog and then ends has said why it was told to end."""
    worker = start("ends_when_told")
    soon(file.read_text)
    worker.tell()
    soon(lambda: "the port answered again" in file.read_text())
    text = file.read_text()
    reason = "a watchdog ran out: no reset for 0.3 s; the port answered again 0."
    assert text.startswith(f"port {worker.port} refuses checks: {reason}")
    assert "in reply\n" in text


def test_a_forked_child(start: Start, file: Path) -> None:
    """A forked child writes nothing, and ends with its own code though a dump was armed."""
    worker = start("forks_a_child_that_fails")
    assert worker.told() == "3"
    assert not file.read_text()


def test_foreign_text(start: Start, soon: Soon, file: Path) -> None:
    """A file that holds something else is left alone."""
    file.write_text("out of disk\n")
    worker = start("silent_await")
    soon(lambda: worker.check() == "refused")
    worker.tell()
    soon(lambda: worker.log.endswith(f"INFO port {worker.port} answers checks\n"))
    assert file.read_text() == "out of disk\n"


def test_a_file_of_no_use(start: Start, soon: Soon, useless: Path) -> None:
    """Where nothing can be written the worker, its port and its log are as they are without."""
    worker = start("blocked_by_a_sleep", stall_timeout=0.3, backlog=DEEP)
    if useless.name == "termination-log" and useless.is_file():
        useless.unlink()
    soon(lambda: worker.check() == "refused")
    soon(lambda: "in blocked_by_a_sleep\n" in worker.log)
    worker.tell()
    soon(lambda: worker.check() == "passed")
    soon(lambda: worker.log.endswith(f"INFO port {worker.port} answers checks\n"))
    assert worker.log.count("port") == 3


@pytest.mark.parametrize("fault", ["backtracks_for_ever", "holds_the_gil"])
def test_a_held_gil(fault: str, start: Start, soon: Soon, file: Path) -> None:
    """A call that keeps the GIL is in the file, with its very line."""
    start(fault, stall_timeout=0.3)
    calls = {
        "backtracks_for_ever": 're.match("(a+)+$", "a" * 60',
        "holds_the_gil": "ctypes.PyDLL(None)",
    }
    soon(lambda: f"{place(calls[fault])}{fault}\n" in file.read_text())
    assert file.read_text().startswith("Timeout (0:00:01.020000)!\nThread 0x")


@pytest.mark.parametrize("fault", ["backtracks", "holds_the_gil"])
def test_a_gil_that_comes_back(fault: str, start: Start, soon: Soon, file: Path) -> None:
    """When the call returns, the log has one warning with its line, and the file is empty."""
    worker = start(fault, stall_timeout=0.5)
    soon(file.read_text)
    worker.tell()
    soon(lambda: not file.read_text())
    told = f"WARNING port {worker.port} stood still: no Python code ran in this process for 0.5 s"
    soon(lambda: told in worker.log)
    assert worker.log.count("no Python code ran") == 1
    assert f"in {fault}\n" in worker.log
    soon(lambda: worker.check() == "passed")


@pytest.mark.parametrize("options", [{"termination_log": None}, {"stall_timeout": None}])
def test_a_dump_of_the_workers_own(
    options: dict[str, None], start: Start, soon: Soon, file: Path
) -> None:
    """Without a termination log, or a watch, the timer of faulthandler is left to the worker."""
    worker = start("has_a_dump_of_its_own", **{"stall_timeout": 0.1, **options})
    soon(lambda: "Timeout (0:00:00.500000)!" in worker.log)
    assert not file.read_text()


def test_a_dump_of_the_workers_own_elsewhere(start: Start, soon: Soon, file: Path) -> None:
    """Where the file does not exist, the timer of faulthandler is left to the worker."""
    file.unlink()
    worker = start("has_a_dump_of_its_own", stall_timeout=0.1)
    soon(lambda: "Timeout (0:00:00.500000)!" in worker.log)
    assert not file.exists()

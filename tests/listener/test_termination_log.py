from __future__ import annotations

import asyncio
import ctypes
import errno
import faulthandler
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import tcp_probe
from tcp_probe import _in_order, _termination_log

Lines = Callable[[], list[str]]
Until = Callable[..., Awaitable[None]]

VARIABLE = "TCP_PROBE_TERMINATION_LOG"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty file that is the termination log."""
    path = tmp_path / "termination-log"
    path.touch()
    monkeypatch.delenv(VARIABLE, raising=False)
    return path


async def test_the_file_of_the_argument(file: Path) -> None:
    """The file is the one that `termination_log` names, as a text or as a path."""
    for path in (file, str(file)):
        file.write_text("")
        async with tcp_probe.serve(0, termination_log=path) as probe:
            probe.fail("draining")
            assert file.read_text() == f"port {probe.port} refuses checks: draining\n"
            probe.recover()
            assert not file.read_text()


async def test_no_file(tmp_path: Path) -> None:
    """Where there is no file none is made."""
    async with tcp_probe.serve(0, termination_log=tmp_path / "termination-log") as probe:
        probe.fail("draining")
    assert not list(tmp_path.iterdir())


async def test_the_file_of_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable goes before the argument; but None is none."""
    monkeypatch.setenv(VARIABLE, str(file))
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


async def test_two_ports_of_many_words(file: Path) -> None:
    """What two ports say is at most 4096 bytes together, with something of each."""
    async with (
        tcp_probe.serve(0, termination_log=file) as one,
        tcp_probe.serve(0, termination_log=file) as other,
    ):
        for probe in (one, other):
            with pytest.raises(ZeroDivisionError):
                dive(60)
            probe.fail("ü" * 500)
        text = file.read_bytes()
    assert len(text) <= 4096
    assert text.decode().count(" refuses checks: üüü") == 2


def dive(levels: int) -> None:
    if not levels:
        raise ZeroDivisionError(levels)
    dive_again(levels - 1)


def dive_again(levels: int) -> None:
    dive(levels)


async def test_the_innermost_frames_of_a_deep_stack(file: Path) -> None:
    """Of a stack that does not fit, the frames nearest to the fault are shown."""
    with pytest.raises(ZeroDivisionError):
        async with tcp_probe.serve(0, termination_log=file):
            dive(60)
    text = file.read_text()
    assert 3700 < len(text) <= 4096
    heading = "it was raised at (most recent call last):\n  ...\n"
    assert f"the worker ended with ZeroDivisionError(0)\n{heading}" in text
    assert text.endswith("in dive\n    raise ZeroDivisionError(levels)\n")


async def test_an_exception_in_a_group(file: Path) -> None:
    """Of a group the frames are those of the first exception in it."""
    with pytest.raises(Exception, match=r"TaskGroup|nursery"):
        async with tcp_probe.serve(0, termination_log=file), anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            dive(0)
    assert file.read_text().endswith("in dive\n    raise ZeroDivisionError(levels)\n")


async def test_an_exception_while_it_refuses(file: Path) -> None:
    """A worker that ends with an exception says so, though the port refused before."""
    with pytest.raises(ZeroDivisionError):
        async with tcp_probe.serve(0, termination_log=file) as probe:
            probe.fail("draining")
            dive(0)
    text = file.read_text()
    assert "refuses checks: draining; the worker ended with ZeroDivisionError(0)\n" in text
    assert "in dive\n" in text


async def test_the_next_worker(file: Path, free_port: int) -> None:
    """A worker that serves the same port again takes away what the one before has left."""
    with pytest.raises(ZeroDivisionError):
        async with tcp_probe.serve(free_port, termination_log=file):
            dive(0)
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


async def test_a_call_that_keeps_the_gil(file: Path, lines: Lines, until: Until) -> None:
    """Once it has returned the log has one line with it, and the file is as it was before."""
    async with tcp_probe.serve(0, termination_log=file, stall_timeout=0.1) as probe:
        await anyio.sleep(0.1)
        ctypes.PyDLL(None).usleep(600_000)
        await until(lambda: any("stood still" in line for line in lines()))
        await until(lambda: not file.read_text())
        (line,) = (line for line in lines() if "stood still" in line)
        assert line.startswith(
            f"WARNING port {probe.port} stood still: no Python code ran in this process for 0.34 s"
        )
        assert "in test_a_call_that_keeps_the_gil\n" in line


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("stall_timeout", [0.2, None])
async def test_a_fork(stall_timeout: float | None, file: Path, lines: Lines) -> None:
    """A forked child writes nothing, and the parent's dump is armed as before."""
    async with tcp_probe.serve(0, termination_log=file, stall_timeout=stall_timeout) as probe:
        child = os.fork()
        if not child:
            probe.fail("in a child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert not file.read_text()
        ctypes.PyDLL(None).usleep(900_000)
        told = [file.read_text()]
        await anyio.sleep(0.1)
        told += lines()
        assert any("in test_a_fork\n" in each for each in told) is (stall_timeout is not None)


async def test_what_a_forked_child_does(file: Path) -> None:
    """In a child, as far as it can be seen in this process, nothing is written any more."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        _termination_log._before_fork()
        _termination_log._after_fork_in_child()
        probe.fail("in a child")
    assert not file.read_text()


def test_a_call_that_keeps_the_gil_without_an_event_loop(file: Path, lines: Lines) -> None:
    """A plain `with` is watched for that, too, and armed for as long as it lasts."""
    with tcp_probe.serve(0, termination_log=file, stall_timeout=0.4):
        time.sleep(3)
        assert not file.read_text()
        assert not any("stood still" in line for line in lines())
        ctypes.PyDLL(None).usleep(1_900_000)
        wait_until(lambda: any("stood still" in line for line in lines()))
        assert not file.read_text()
        (line,) = (line for line in lines() if "stood still" in line)
        assert "in test_a_call_that_keeps_the_gil_without_an_event_loop\n" in line


@pytest.mark.parametrize("options", [{"termination_log": None}, {"stall_timeout": None}])
def test_no_thread_that_watches(options: dict[str, Any], file: Path) -> None:
    """Where there is nothing to be armed a plain `with` needs no thread that watches."""
    with tcp_probe.serve(0, **{"termination_log": file, **options}) as probe:
        assert probe._port.timers._thread is None


def wait_until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


async def test_the_dump_is_armed_whenever_the_thread_looks_but_not_in_a_stall(file: Path) -> None:
    """It is armed anew long before it would be due; why an event loop stands still is told."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        words = probe._port.gate.last_words
        assert words._file is not None
        (watch,) = probe._port.timers.running
        words._armed_at = long_ago = time.monotonic() - 1000
        probe._port.timers.keep_armed()
        assert words._armed_at > long_ago
        probe._port.gate.hold(watch, "the event loop has not run")
        words._armed_at = long_ago
        probe._port.timers.keep_armed()
        assert words._armed_at == long_ago
        probe._port.gate.withdraw(watch)


def test_the_dump_is_due_for_the_port_that_wants_it_first(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two ports of a process none delays the other's dump, unless that one refuses or ended."""
    armed: list[float] = []
    monkeypatch.setattr(
        faulthandler, "dump_traceback_later", lambda seconds, **_: armed.append(seconds)
    )
    slow, quick = (_termination_log.TerminationMessage(str(file), port, print) for port in (1, 2))

    def due_in(message: _termination_log.TerminationMessage, stall_timeout: float) -> float:
        message._armed_at = float("-inf")
        message.arm(stall_timeout)
        return armed[-1]

    assert due_in(slow, 100) == 340
    assert quick.arm(10) < time.monotonic() + 25
    assert armed[-1] == 34
    assert due_in(slow, 100) == 34
    quick.refuses("the event loop has not run", "")
    assert armed[-1] == 340
    assert due_in(slow, 100) == 340
    assert due_in(quick, 10) == 34
    quick.listens()
    assert armed[-1] == 34
    quick.close()
    assert armed[-1] == 340
    slow.refuses("the event loop has not run", "")
    slow.close()
    assert armed.count(340) == 4  # not when it refuses itself, and not at its end


def test_the_dump_of_a_port_outlives_the_end_of_another(file: Path, lines: Lines) -> None:
    """A port that speaks or ends leaves the other ports of its process watched at once."""
    with tcp_probe.serve(0, termination_log=file, stall_timeout=1) as probe:
        wait_until(lambda: probe._port.gate.last_words._armed_at > 0)
        with tcp_probe.serve(0, termination_log=file) as other:
            other.fail("draining")
            other.recover()
        ctypes.PyDLL(None).usleep(4_700_000)
        wait_until(lambda: any("stood still" in line for line in lines()))


def test_no_dump_is_armed_where_somebody_else_wrote(file: Path) -> None:
    """What the worker wrote while the port refused is left alone once it listens again, too."""
    message, other = (
        _termination_log.TerminationMessage(str(file), port, print) for port in (1, 2)
    )
    message.arm(10)
    message.refuses("draining", "")
    file.write_text("the worker's own words")
    message.listens()
    assert message._file is not None
    assert not message._file.is_armed
    other.close()
    assert not message._file.is_armed
    message.close()
    assert file.read_text() == "the worker's own words"


async def test_a_worker_that_did_not_begin(file: Path, taken_port: int) -> None:
    """An attempt to listen that failed leaves nothing behind."""
    with pytest.raises(OSError, match="in use"):
        async with tcp_probe.serve(taken_port, host="127.0.0.1", termination_log=file):
            pass
    assert not _termination_log._files


def test_a_loop_that_has_ended_is_dumped_no_more(file: Path) -> None:
    """After the event loop of `start` has ended the process may go on, and has nothing to say."""

    async def begin() -> tcp_probe.Probe:
        return tcp_probe.start(0, stall_timeout=0.05, termination_log=file)

    probe = asyncio.run(begin())
    wait_until(lambda: not probe.listening)
    words = probe._port.gate.last_words
    assert words._file is not None
    wait_until(lambda: words._file is not None and not words._file.is_armed)
    assert file.read_bytes() == b""
    probe.close()


def test_without_a_thread_that_watches_nothing_is_dumped(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump that nobody arms anew would show a healthy process as one that stands still."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("daemon threads are disabled in this (sub)interpreter")

    async def main() -> None:
        monkeypatch.setattr(_in_order.OwnThread, "start", start)
        async with tcp_probe.serve(0, stall_timeout=0.05, termination_log=file) as probe:
            words = probe._port.gate.last_words
            assert words._file is not None
            assert not words._file.is_armed

    asyncio.run(main())


def test_the_file_is_used_while_nobody_can_wait_for_it(file: Path) -> None:
    """The thread that watches holds no lock of the port's while it uses a file."""
    with tcp_probe.serve(0, termination_log=file) as probe:
        gate = probe._port.gate
        held = []

        def keep_armed() -> float:
            held.append(gate.lock._is_owned())  # type: ignore[attr-defined]
            return float("inf")

        probe._port.timers.keep_armed = keep_armed
        with probe.watchdog(0.01):
            wait_until(lambda: held)
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


def test_a_dump_that_an_earlier_worker_left_is_ours(file: Path) -> None:
    """A worker that is started again in the same container writes over it."""
    file.write_bytes(b"Timeout (0:00:34)!\nThread 0x1 (most recent call first):\n")
    with tcp_probe.serve(0, termination_log=file) as probe:
        probe.fail("full")
        wait_until(lambda: file.read_bytes().startswith(b"port "))


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

"""The dump of all stacks, which the interpreter writes where no Python code can run."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import os
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
Soon = Callable[..., None]
Until = Callable[..., Awaitable[None]]


def is_armed(probe: tcp_probe.Probe) -> bool:
    """Say whether the dump is armed; of a port that has a file."""
    file = probe._port.gate.last_words._file
    assert file is not None
    return file.is_armed


async def test_a_call_that_keeps_the_gil(file: Path, lines: Lines, until: Until) -> None:
    """Once it has returned the log has one line with it, and the file is as it was before.

    How long it took is told for sure: the dump may have been armed long before.
    """
    async with tcp_probe.serve(0, termination_log=file, stall_timeout=0.1) as probe:
        await anyio.sleep(0.1)
        await until(lambda: is_armed(probe))
        ctypes.PyDLL(None).usleep(600_000)
        await until(lambda: any("stood still" in line for line in lines()))
        await until(lambda: not file.read_text())
        (line,) = (line for line in lines() if "stood still" in line)
        assert line.startswith(
            f"WARNING port {probe.port} stood still: no Python code ran in this process for 0.1 s "
        )
        assert "in test_a_call_that_keeps_the_gil\n" in line


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("stall_timeout", [0.6, None])
async def test_a_fork(stall_timeout: float | None, file: Path, lines: Lines, until: Until) -> None:
    """A forked child writes nothing, and the parent's dump is armed as before."""
    async with tcp_probe.serve(0, termination_log=file, stall_timeout=stall_timeout) as probe:
        child = os.fork()
        if not child:
            probe.fail("in a child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert not file.read_text()
        ctypes.PyDLL(None).usleep(3_000_000)

        def is_dumped() -> bool:
            return any("in test_a_fork\n" in each for each in (file.read_text(), *lines()))

        if stall_timeout is None:
            await anyio.sleep(0.1)
            assert not is_dumped()
        else:
            await until(is_dumped)


def test_a_call_that_keeps_the_gil_without_an_event_loop(
    file: Path, lines: Lines, soon: Soon
) -> None:
    """A plain `with` is watched for that, too, and armed for as long as it lasts."""
    with tcp_probe.serve(0, termination_log=file, stall_timeout=0.4):
        time.sleep(3)
        assert not file.read_text()
        assert not any("stood still" in line for line in lines())
        ctypes.PyDLL(None).usleep(1_900_000)
        soon(lambda: any("stood still" in line for line in lines()))
        assert not file.read_text()
        (line,) = (line for line in lines() if "stood still" in line)
        assert "in test_a_call_that_keeps_the_gil_without_an_event_loop\n" in line


@pytest.mark.parametrize("options", [{"termination_log": None}, {"stall_timeout": None}])
def test_no_thread_that_watches(options: dict[str, Any], file: Path) -> None:
    """Where there is nothing to be armed a plain `with` needs no thread that watches."""
    with tcp_probe.serve(0, **{"termination_log": file, **options}) as probe:
        assert probe._port.timers._thread is None


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


async def test_a_stall_while_the_port_refuses_already_is_no_stand_still(
    file: Path, lines: Lines, until: Until
) -> None:
    """Threads that run while the loop stands still are not dumped, whatever was told before."""
    async with tcp_probe.serve(0, termination_log=file, stall_timeout=0.5) as probe:
        probe.fail("draining")
        await until(lambda: is_armed(probe))
        time.sleep(3)
        assert file.read_text() == f"port {probe.port} refuses checks: draining\n"
        await until(lambda: probe.reasons == ("draining",))
    assert not any("stood still" in line for line in lines())


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note for how many seconds the dump is armed each time, in place of arming it."""
    armed: list[float] = []
    monkeypatch.setattr(
        faulthandler, "dump_traceback_later", lambda seconds, **_: armed.append(seconds)
    )
    return armed


def test_the_dump_is_due_for_the_port_that_wants_it_first(file: Path, armed: list[float]) -> None:
    """Of two ports of a process none delays the other's dump, unless that one refuses or ended."""
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


def test_the_dump_of_a_port_outlives_the_end_of_another(
    file: Path, lines: Lines, soon: Soon
) -> None:
    """A port that speaks or ends leaves the other ports of its process watched at once."""
    with tcp_probe.serve(0, termination_log=file, stall_timeout=1) as probe:
        soon(lambda: probe._port.gate.last_words._armed_at > 0)
        with tcp_probe.serve(0, termination_log=file) as other:
            other.fail("draining")
            other.recover()
        ctypes.PyDLL(None).usleep(5_500_000)
        soon(lambda: any("stood still" in line for line in lines()))


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


def test_a_loop_that_has_ended_is_dumped_no_more(file: Path, soon: Soon) -> None:
    """After the event loop of `start` has ended the process may go on, and has nothing to say."""

    async def begin() -> tcp_probe.Probe:
        return tcp_probe.start(0, stall_timeout=2, termination_log=file)

    probe = asyncio.run(begin())
    soon(lambda: not probe.listening)
    soon(lambda: not is_armed(probe))
    assert file.read_bytes() == b""
    probe.close()


def test_an_end_that_is_struck_leaves_nothing_armed(
    file: Path, monkeypatch: pytest.MonkeyPatch, soon: Soon
) -> None:
    """A worker that goes on after its signal handler raised there is not dumped later."""

    def struck(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    probe = tcp_probe.start(0, termination_log=file)
    words = probe._port.gate.last_words
    soon(lambda: is_armed(probe))
    monkeypatch.setattr(probe._port.gate, "refuse", struck)
    with pytest.raises(KeyboardInterrupt):
        probe.close()
    assert not words.has_file
    assert not _termination_log._files
    assert probe.reasons == ("the worker has ended",)


def test_without_a_thread_that_watches_nothing_is_dumped(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump that nobody arms anew would show a healthy process as one that stands still."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("daemon threads are disabled in this (sub)interpreter")

    async def main() -> None:
        monkeypatch.setattr(_in_order.OwnThread, "start", start)
        async with tcp_probe.serve(0, stall_timeout=0.05, termination_log=file) as probe:
            assert not is_armed(probe)

    asyncio.run(main())


def test_the_dump_is_armed_again_at_each_fourth_ping(
    message: _termination_log.TerminationMessage, armed: list[float]
) -> None:
    """It is armed for 3.4 times `stall_timeout`, and so it comes after 1 to 3.4 times that."""
    assert message.arm(1000) == pytest.approx(message._armed_at + 2400)
    message._armed_at -= 1800  # as the third ping finds it
    message.arm(1000)
    assert armed == [3400]
    message._armed_at -= 600
    message.arm(1000)
    assert armed == [3400, 3400]
    message.disarm()  # as in a stall, after which it is armed at once
    message.arm(1000)
    assert armed == [3400, 3400, 3400]


def test_the_dump_is_armed_again_without_a_moment_between(
    message: _termination_log.TerminationMessage,
    armed: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The timer that runs goes on until the next one takes its place."""
    cancelled: list[float] = []
    monkeypatch.setattr(
        faulthandler, "cancel_dump_traceback_later", lambda: cancelled.append(armed[-1])
    )
    message.arm(1000)
    message._armed_at -= 2400
    message.arm(1000)
    assert armed == [3400, 3400]
    assert not cancelled


def test_a_file_that_somebody_emptied_is_used_again(
    file: Path, message: _termination_log.TerminationMessage, told: list[tuple[float, str]]
) -> None:
    """The dump is armed on it, and told and taken back; the next reason is written."""
    message.refuses("draining", "")
    file.write_text("")
    message.arm(10)
    file.write_text("Timeout (0:00:34)!\nThread 1\n")
    message.disarm()
    assert told == [(10, "Timeout (0:00:34)!\nThread 1\n")]
    assert file.read_text() == ""
    message.refuses("full", "")
    assert file.read_text() == "port 1 refuses checks: full\n"


def test_a_dump_that_is_no_utf_8(
    file: Path, message: _termination_log.TerminationMessage, told: list[tuple[float, str]]
) -> None:
    """The name of a file in it may be of any bytes, and costs no more than itself."""
    message.arm(10)
    file.write_bytes(b"Timeout (0:00:34)!\nw\xf6rker.py\n")
    message.disarm()
    assert told == [(10, "Timeout (0:00:34)!\nw\ufffdrker.py\n")]


def test_how_late_the_dump_is_without_an_event_loop(file: Path, soon: Soon) -> None:
    """It is armed for 4.25 times `stall_timeout`, as nothing else wakes the thread."""
    with tcp_probe.serve(0, termination_log=file, stall_timeout=1000) as probe:
        words = probe._port.gate.last_words
        assert words._file is not None
        soon(words._file._timeouts.get, probe.port)
        assert words._file._timeouts == {probe.port: 4250}

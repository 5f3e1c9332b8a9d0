"""Two threads at the same moment, made to happen one after the other; and forks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import anyio
import pytest

import tcp_probe
from tcp_probe import _gate, _in_order, _timers
from tcp_probe._gate import Gate
from tcp_probe._listener import Listener
from tcp_probe._stall import StallWatch
from tcp_probe._timer import Timer
from tcp_probe._timers import Timers

Until = Callable[..., Awaitable[None]]


async def test_a_watchdog_that_is_reset_as_it_is_seen_to_run_out() -> None:
    """The thread that saw it due looks again, and leaves the port listening."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(3600) as watchdog:
            watchdog._timer.due()
            assert probe.listening


async def test_a_watchdog_that_is_left_as_it_is_seen_to_run_out() -> None:
    """The thread that saw it due leaves no reason behind that nothing would take away."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(1e-9)
        with watchdog:
            pass
        watchdog._timer.due()
        assert probe.listening


async def test_a_reset_that_is_held_up_while_the_timer_runs_out_again(until: Until) -> None:
    """A reset that takes longer than the timeout leaves a timer that runs out once more."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(0.05) as watchdog:
            await until(lambda: not probe.listening)
            withdraw = probe._port.gate.withdraw

            def held_up(cause: object) -> None:
                time.sleep(0.2)
                withdraw(cause)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(probe._port.gate, "withdraw", held_up)
                watchdog.reset()
            await until(lambda: not probe.listening)


async def test_a_loop_that_answers_as_it_is_seen_to_stall() -> None:
    """The thread that saw a ping unanswered looks again, and leaves the port listening."""
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        calls: list[Callable[[], None]] = []
        stall = StallWatch(probe._port.gate, probe._port.timers, 1e-9, calls.append)
        with probe._port.gate.lock:  # so that the thread does not ping again meanwhile
            stall.watch()
            assert stall._is_over()
            calls.pop()()
            assert not stall._is_over()
            assert probe.listening


async def test_a_ping_is_looked_at_before_it_is_a_stall() -> None:
    """The next ping follows 0.6 times the timeout after one that was answered, not the timeout."""
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        calls: list[Callable[[], None]] = []
        stall = StallWatch(probe._port.gate, probe._port.timers, 3600, calls.append)
        stall.watch()
        assert stall.due_at() == stall.reset_at + 0.6 * 3600
        stall.reset_at -= 0.7 * 3600
        assert stall.due_at() == stall.reset_at + 3600
        calls.pop()()
        assert stall.due_at() == stall.reset_at + 0.6 * 3600


async def test_a_timer_that_has_run_out_is_not_due_again(until: Until) -> None:
    """While the reason stands there is nothing to do, and the thread does not spin."""
    async with tcp_probe.serve(0, stall_timeout=0.05) as probe:
        with probe.watchdog(0.05) as watchdog:
            await until(lambda: watchdog._timer.ran_out)
            assert watchdog._timer.due_at() == float("inf")
            turns = 0
            due = probe._port.timers._due

            def counted() -> list[Timer]:
                nonlocal turns
                turns += 1
                return due()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(probe._port.timers, "_due", counted)
                await anyio.sleep(0.3)
            assert turns < 30


async def test_a_timer_that_breaks_refuses(until: Until, lines: Callable[[], list[str]]) -> None:
    """A bug in the thread makes the port refuse, with the traceback in the log."""

    class Broken(Timer):
        def due_at(self) -> float:
            if threading.current_thread() is threading.main_thread():
                return 0.0
            raise RuntimeError("bug")

    async with tcp_probe.serve(0) as probe:
        Broken(probe._port.gate, probe._port.timers, 1.0, "").start(str)
        await until(lambda: probe.reasons == ("the probe itself broke: RuntimeError('bug')",))
        await until(lambda: any(line.startswith("ERROR") for line in lines()))


async def test_a_thread_that_does_not_come_back_is_told_by_the_next_checks(
    checked: Callable[[int], str],
    until: Until,
    lines: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the thread is held up, who accepts refuses and shows where it stands; then it heals."""
    monkeypatch.setattr(_timers, "_GRACE", 0.1)
    monkeypatch.setattr(_in_order, "_PATIENCE", 0.1)
    entered, held = threading.Event(), threading.Event()

    def hold_up() -> str:
        entered.set()
        assert held.wait(20)
        return ""

    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        timer = Timer(probe._port.gate, probe._port.timers, 0.01, "a reason")
        timer.start(hold_up)
        await until(entered.is_set)
        assert probe.reasons == ("a reason",)
        timer.stop()

        async def refused() -> bool:
            await anyio.sleep(0.05)
            return checked(probe.port) == "refused"

        with anyio.fail_after(20):
            while not await refused():
                pass
        assert probe.reasons == ("the thread that watches does not run",)
        await until(lambda: any("in hold_up" in line for line in lines()))
        held.set()
        await until(lambda: probe.listening and checked(probe.port) == "passed")


def test_what_a_forked_child_does_first(
    checked: Callable[[int], str],
    lines: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A child gives up its copy of the port, and the lock that the parent may have held."""
    listener = Listener("127.0.0.1", 0, 1)
    gate = Gate(listener)
    gate.open()
    assert checked(listener.port) == "passed"
    lock = gate.lock
    monkeypatch.setattr(_gate, "_gates", {gate})
    _gate._forget_in_child()
    assert gate.lock is not lock
    assert checked(listener.port) == "refused"
    assert gate.reasons == ("the port belongs to the parent process",)
    gate.refuse("x", "in the child")
    gate.withdraw("x")
    assert not gate._log._waiting
    timers = Timers(gate)
    for _ in range(2):
        Timer(gate, timers, 60, "").start(str)
    assert not timers.running
    assert len([line for line in lines() if "in this child watchdogs do nothing" in line]) == 1
    listener.close()


async def test_a_child_that_leaves_the_block(checked: Callable[[int], str]) -> None:
    """It waits for nothing that is the parent's, and takes nothing away from it."""
    serving = tcp_probe.serve(0)
    probe = await serving.__aenter__()
    probe._port.gate.forked = True
    await serving.__aexit__(None, None, None)
    assert checked(probe.port) == "passed"
    probe._port.gate.forked = False
    await serving.__aexit__(None, None, None)
    assert checked(probe.port) == "refused"


def test_a_reason_that_is_taken_back_while_it_is_worked_out(lines: Callable[[], list[str]]) -> None:
    """It does not come back once its words are known, and both are told in their order."""

    class Slow:
        def __repr__(self) -> str:
            probe._port.gate.withdraw("x")
            return "slow"

    with tcp_probe.serve(0) as probe:
        probe._port.gate.refuse("x", "it was", about=Slow())
        assert probe.listening
        assert [line.split(" ", 3)[3] for line in lines()] == [
            "answers checks",
            "refuses checks: it was slow",
            "answers checks",
        ]


def test_a_child_that_may_not_have_one_file_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it closes its copy of the port, whatever goes by its number."""
    listener = Listener("127.0.0.1", 0, 1)

    def dup2(*_: object, **__: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "dup2", dup2)
    listener.leave_to_parent()
    monkeypatch.undo()
    assert listener.socket.fileno() == -1


def test_only_one_thread_watches(soon: Callable[..., None]) -> None:
    """Where two are started at the same moment, the second leaves it to the first."""
    with tcp_probe.serve(0) as probe, probe.watchdog(60), probe.watchdog(60):
        soon(lambda: probe._port.timers._thread)
        thread = probe._port.timers._thread
        probe._port.timers._run()
        assert probe._port.timers._thread is thread


FORKING = """
import os, sys, warnings
import anyio, tcp_probe

async def main():
    warnings.simplefilter("ignore", DeprecationWarning)  # Python tells of forks beside threads
    async with tcp_probe.serve(0) as probe:
        child = os.fork()
        if child == 0:
            with probe.watchdog(60):
                probe.fail("in the child")
                probe.recover()
            print(probe.listening, *probe.reasons, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(probe.listening, tcp_probe.check(probe.port) > 0, flush=True)

anyio.run(main)
"""


def test_a_forked_child_has_no_port() -> None:
    """In a forked child the probe refuses and does nothing; the parent's goes on listening."""
    command = [sys.executable, "-c", FORKING]
    environment = {**os.environ, "PYTHONWARNINGS": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env=environment
    )
    assert done.stdout.splitlines() == [
        "False the port belongs to the parent process",
        "True True",
    ]

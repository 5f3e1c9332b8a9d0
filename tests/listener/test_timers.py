"""Two threads at the same moment, made to happen one after the other; and forks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable

import tcp_probe
from tcp_probe import _gate
from tcp_probe._stall import StallWatch

Until = Callable[..., Awaitable[None]]


async def test_a_watchdog_that_is_reset_as_it_is_seen_to_run_out() -> None:
    """The thread that saw it due looks again, and leaves the port listening."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(3600) as watchdog:
            watchdog._due()
            assert probe.listening


async def test_a_watchdog_that_is_left_as_it_is_seen_to_run_out() -> None:
    """The thread that saw it due leaves no reason behind that nothing would take away."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(1e-9)
        with watchdog:
            pass
        watchdog._due()
        assert probe.listening


async def test_a_loop_that_answers_as_it_is_seen_to_stall() -> None:
    """The thread that saw a ping unanswered looks again, and leaves the port listening."""
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        calls: list[Callable[[], None]] = []
        stall = StallWatch(probe._gate, probe._timers, 3600, calls.append)
        stall.start()
        calls.pop()()
        assert not stall._run_out()
        assert probe.listening


async def test_a_timer_that_breaks_refuses(until: Until, lines: Callable[[], list[str]]) -> None:
    """A bug in the thread makes the port refuse, with the traceback in the log."""

    class Broken:
        _timeout = 1.0

        def _due_at(self) -> float:
            raise RuntimeError("bug")

        def _due(self) -> None:
            """Never get here."""

    async with tcp_probe.serve(0) as probe:
        with probe._gate.lock:
            probe._timers._timers.add(Broken())
            probe._gate.lock.notify_all()
        await until(lambda: not probe.listening)
        assert probe.reasons == ("the probe itself broke: RuntimeError('bug')",)
    assert any(line.startswith("ERROR") for line in lines())


async def test_what_a_forked_child_does_first(checked: Callable[[int], str]) -> None:
    """A child gives up its copy of the port, and the lock that the parent may have held."""
    async with tcp_probe.serve(0) as probe:
        lock = probe._gate.lock
        _gate._forget_in_child()
        assert probe._gate.lock is not lock
        assert checked(probe.port) == "refused"
        assert probe.reasons == ("the port belongs to the parent process",)


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

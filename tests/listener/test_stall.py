from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

import tcp_probe
from tcp_probe import _in_order

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]


def block_until(holds: Callable[[], object]) -> None:
    """Keep the event loop from running, as a synchronous call does, until `holds`."""
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.005)


async def test_refuses_while_the_loop_stands_still(checked: Checked) -> None:
    """A loop that has not run for `stall_timeout` makes the port refuse, with the reason."""
    began = time.monotonic()
    async with tcp_probe.serve(0, stall_timeout=0.1) as probe:
        # The reason stands a moment before the port refuses.
        block_until(lambda: not probe.listening and checked(probe.port) == "refused")
        assert time.monotonic() - began >= 0.1
        assert probe.reasons == ("the event loop has not run for 0.1 s",)


async def test_heals_when_the_loop_runs_again(checked: Checked, until: Until) -> None:
    """As soon as the loop runs again the port answers again, each time."""
    async with tcp_probe.serve(0, stall_timeout=0.1) as probe:
        for _ in range(2):
            block_until(lambda: not probe.listening)
            before = probe.checks
            await until(
                lambda least: checked(probe.port) == "passed" and probe.checks > least, before
            )


async def test_sees_a_worker_that_never_awaits(checked: Checked) -> None:
    """A worker that blocks before its first await is seen as well."""
    async with tcp_probe.serve(0, stall_timeout=0.1) as probe:
        block_until(lambda: not probe.listening and checked(probe.port) == "refused")


async def test_shows_where_the_loop_stands(lines: Callable[[], list[str]]) -> None:
    """The line in the log has the stack of the loop's thread, down to the call that blocks."""

    def a_synchronous_call() -> None:
        block_until(lambda: any("has not run" in line for line in lines()))

    async with tcp_probe.serve(0, stall_timeout=2):
        a_synchronous_call()
    told = [line for line in lines() if "has not run" in line]
    assert len(told) == 1
    assert "the thread stands at" in told[0]
    assert "in a_synchronous_call" in told[0]
    assert "in block_until" in told[0]


async def test_none_turns_it_off() -> None:
    """With `stall_timeout=None` a loop that stands still goes on listening."""
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        time.sleep(0.3)
        assert probe.listening


async def test_a_busy_loop_that_runs_is_no_stall() -> None:
    """A loop that is busy all the time, but runs, keeps the port listening."""
    async with tcp_probe.serve(0, stall_timeout=2) as probe:
        with anyio.move_on_after(3.3):
            while True:
                time.sleep(0.02)
                await anyio.lowlevel.checkpoint()
        assert probe.refusals == 0


async def test_a_blocked_thread_is_no_stall() -> None:
    """What blocks in a thread of its own does not stand in the loop's way."""
    async with tcp_probe.serve(0, stall_timeout=2) as probe:
        await anyio.to_thread.run_sync(time.sleep, 3.3)
        assert probe.refusals == 0


async def test_survives_a_system_without_threads(lines: Callable[[], list[str]]) -> None:
    """Where no thread can be started the port refuses and says so; the worker goes on."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with pytest.MonkeyPatch.context() as patch:
        # Not of every thread: trio, run as a guest by anyio, may need one of its own meanwhile.
        patch.setattr(_in_order.OwnThread, "start", start)
        async with tcp_probe.serve(0) as probe:
            await anyio.sleep(0.05)
            assert probe.reasons == (
                'the probe itself broke: RuntimeError("can\'t start new thread")',
            )
    assert any("can't start new thread" in line for line in lines())

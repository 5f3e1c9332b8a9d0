from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

import tcp_probe

RAISED = [ValueError("worker"), SystemExit(3), KeyboardInterrupt(), BaseException("bare")]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("awaits", [True, False], ids=["after an await", "before any await"])
async def test_the_workers_exception_passes_bare(error: BaseException, *, awaits: bool) -> None:
    """What the worker raises arrives as the same object, whether or not it awaited before."""

    async def worker() -> None:
        async with tcp_probe.serve(0, condition=anyio.lowlevel.checkpoint):
            if awaits:
                await anyio.sleep(0.01)
            raise error

    with pytest.raises(type(error)) as raised:
        try:
            await worker()
        except BaseException as passed:
            # Caught here, for an event loop lets SystemExit and KeyboardInterrupt end the process.
            assert passed is error
            assert passed.__context__ is None
            raise
    assert raised.value is error


async def test_the_workers_exception_beats_a_cancellation() -> None:
    """What a cancelled worker raises in its cleanup is not lost to the cancellation."""
    error = ValueError("cleanup")
    with anyio.CancelScope() as scope, pytest.raises(ValueError, match="cleanup") as raised:
        async with tcp_probe.serve(0):
            scope.cancel()
            try:
                await anyio.sleep_forever()
            finally:
                raise error
    assert raised.value is error


async def test_a_cancellation_passes() -> None:
    """A cancelled worker ends its scope as if there were no listener."""
    with anyio.move_on_after(0.01) as scope:
        async with tcp_probe.serve(0):
            await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_cancellation_at_the_end_passes() -> None:
    """A scope that is cancelled as the block ends is seen to be cancelled after it."""
    after = False
    with anyio.CancelScope() as scope:
        async with tcp_probe.serve(0):
            scope.cancel()
        await anyio.lowlevel.checkpoint()
        after = True
    assert scope.cancelled_caught
    assert not after


async def test_interrupt_in_the_listeners_own_task_reaches_the_worker_bare() -> None:
    """^C that strikes while a task of the listener runs is a bare KeyboardInterrupt."""
    interrupt = KeyboardInterrupt()

    async def struck() -> bool:
        raise interrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        async with tcp_probe.serve(0, condition=struck):
            await anyio.sleep_forever()
    assert raised.value is interrupt


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_of_asyncio_passes() -> None:
    """A task that asyncio itself cancels ends with its CancelledError."""
    entered = asyncio.Event()

    async def worker() -> None:
        async with tcp_probe.serve(0):
            entered.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(worker())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_of_every_task_is_left_to_the_worker() -> None:
    """Whoever cancels all tasks of asyncio breaks the probe, but does not end the worker."""
    async with tcp_probe.serve(0) as probe:
        before = asyncio.all_tasks() - {asyncio.current_task()}
        ours = [
            task for task in before if "InLoop" in repr(task.get_coro()) or "guarded" in repr(task)
        ]
        assert ours
        await asyncio.sleep(0)
        for task in ours:
            task.cancel()
        await asyncio.sleep(0.01)
        assert probe.reasons == ("all tasks of the event loop were cancelled",)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_of_asyncio_at_the_end_passes() -> None:
    """A task that asyncio cancels as the block ends is cancelled."""

    async def worker() -> None:
        async with tcp_probe.serve(0):
            task.cancel()

    task = asyncio.create_task(worker())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_exception_that_cannot_be_shown(checked: Callable[[int], str]) -> None:
    """A worker's exception whose repr raises passes bare all the same, and the port refuses."""

    class Shy(Exception):  # noqa: N818 (what it is called is not the point)
        def __repr__(self) -> str:
            raise ValueError("no")

    error = Shy()
    with pytest.raises(Shy) as raised:
        async with tcp_probe.serve(0) as probe:
            raise error
    assert raised.value is error
    assert checked(probe.port) == "refused"
    assert probe.reasons == ("the worker ended with Shy, whose repr raised ValueError",)


async def test_the_reason_names_the_exception(lines: Callable[[], list[str]]) -> None:
    """Where the worker raised, the reason and a warning say what."""
    with pytest.raises(ValueError, match="boom"):
        async with tcp_probe.serve(0) as probe:
            raise ValueError("boom")
    assert probe.reasons == ("the worker ended with ValueError('boom')",)
    assert lines()[-1].startswith("WARNING port")

from __future__ import annotations

import asyncio
import sys
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


async def test_a_cancellation_of_asyncio_passes_as_it_is(anyio_backend_name: str) -> None:
    """The worker's CancelledError keeps its message, and is the same object."""
    if anyio_backend_name == "trio":
        pytest.skip("trio has no cancellation of its own beside its scopes")
    seen: list[BaseException] = []

    async def worker() -> None:
        try:
            async with tcp_probe.serve(0, condition=anyio.lowlevel.checkpoint):
                entered.set()
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError as cancelled:
                    seen.append(cancelled)
                    raise
        except asyncio.CancelledError as cancelled:
            seen.append(cancelled)
            raise

    entered = asyncio.Event()
    task = asyncio.create_task(worker())
    await entered.wait()
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    raised, passed = seen
    assert passed is raised
    assert passed.args == ("enough",)


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


@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="asyncio does not count cancellations there, and anyio takes this one for its own",
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_of_asyncio_while_the_block_ends_is_not_lost() -> None:
    """A task that asyncio cancels while a worker that raised waits for its end is cancelled."""
    ending = asyncio.Event()

    async def stubborn() -> bool:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                ending.set()
                await asyncio.sleep(0.05)
        return True

    async def worker() -> None:
        async with tcp_probe.serve(0, condition=stubborn):
            await asyncio.sleep(0.01)
            raise ValueError("job failed")

    task = asyncio.create_task(worker())
    await ending.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_end_of_asyncio_run_is_no_error(lines: Callable[[], list[str]]) -> None:
    """A worker in a task that asyncio.run() cancels at its end leaves no warning in the log."""

    async def worker() -> None:
        async with tcp_probe.serve(0):
            await asyncio.sleep(3600)

    async def main() -> None:
        task = asyncio.create_task(worker())
        await asyncio.sleep(0.02)
        assert not task.done()

    for _ in range(5):
        asyncio.run(main())
    assert all(line.startswith("INFO") for line in lines())
    assert len(lines()) == 10


async def test_leaving_what_was_not_entered(taken_port: int) -> None:
    """To leave a `serve` whose entering has failed, as an exit stack might, does nothing."""
    serving = tcp_probe.serve(taken_port)
    with pytest.raises(OSError, match="in use"):
        await serving.__aenter__()
    await serving.__aexit__(None, None, None)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_leaving_in_another_task(checked: Callable[[int], str]) -> None:
    """It says that hooks want `start`, and the port refuses all the same."""
    serving = tcp_probe.serve(0)
    probe = await serving.__aenter__()

    async def shutdown() -> None:
        with pytest.raises(RuntimeError, match=r"another task .* tcp_probe\.start\(\.\.\.\)"):
            await serving.__aexit__(None, None, None)

    await asyncio.create_task(shutdown())
    assert checked(probe.port) == "refused"
    await asyncio.sleep(0.01)
    await serving.__aexit__(None, None, None)


def test_a_worker_that_is_left_to_the_garbage_collector(checked: Callable[[int], str]) -> None:
    """A worker whose loop has gone without it ends its port when it is collected."""
    probes = []

    async def worker() -> None:
        async with tcp_probe.serve(0, stall_timeout=None) as probe:
            probes.append(probe)
            await asyncio.sleep(3600)

    loop = asyncio.new_event_loop()
    coroutine = worker()
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0.01))
    with pytest.raises(RuntimeError):
        coroutine.close()
    assert checked(probes[0].port) == "refused"
    others = asyncio.all_tasks(loop) - {task}
    for each in (task, *others):
        each.cancel()
    # asyncio tells at its end of a task whose exception nobody has asked for.
    with pytest.raises(RuntimeError, match="already awaited"):
        loop.run_until_complete(task)
    loop.run_until_complete(asyncio.wait(others))
    loop.close()

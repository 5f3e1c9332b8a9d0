from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator

import anyio
import anyio.to_thread
import pytest

import tcp_probe
from tcp_probe._timer import Timer
from tcp_probe._where import _await_chain, here, raised_at

Lines = Callable[[], list[str]]
Until = Callable[..., Awaitable[None]]


async def told_by_a_watchdog(
    step: Callable[[], Awaitable[object]], lines: Lines, until: Until
) -> str:
    """Let a task wait in `step` until its watchdog runs out; return the line in the log."""
    timers: list[Timer] = []

    async def worker() -> None:
        with probe.watchdog(3600) as watchdog:
            timers.append(watchdog._timer)
            await step()

    async with tcp_probe.serve(0) as probe, anyio.create_task_group() as tasks:
        tasks.start_soon(worker)
        await anyio.wait_all_tasks_blocked()
        timers[0].reset_at -= 3600  # it runs out where the task waits, not on its way there
        probe._port.timers.look_at(timers[0])
        await until(lambda: any("watchdog" in line for line in lines()))
        tasks.cancel_scope.cancel()
    return next(line for line in lines() if "watchdog" in line)


async def inner_step() -> None:
    await anyio.sleep_forever()


async def test_shows_the_chain_of_awaits(lines: Lines, until: Until) -> None:
    """From the task that set the watchdog down to the await that does not come back, in order."""

    async def outer_step() -> None:
        await inner_step()

    told = await told_by_a_watchdog(outer_step, lines, until)
    assert "the task waits at (most recent await last)" in told
    assert told.index("in worker") < told.index("in outer_step") < told.index("in inner_step")
    assert "await anyio.sleep_forever()" in told


async def test_sees_through_an_async_generator(lines: Lines, until: Until) -> None:
    """An `async for` shows where the generator waits, as `receive_response()` is one."""

    async def messages() -> AsyncIterator[int]:
        await inner_step()
        yield 1

    async def reader() -> None:
        async for _ in messages():
            pass

    told = await told_by_a_watchdog(reader, lines, until)
    assert told.index("in reader") < told.index("in messages") < told.index("in inner_step")


async def test_sees_through_an_object_with_await(lines: Lines, until: Until) -> None:
    """An object whose `__await__` delegates to a coroutine shows that coroutine."""

    class Query:
        def __await__(self) -> Generator[object, object, None]:
            return inner_step().__await__()

    async def reader() -> None:
        await Query()

    told = await told_by_a_watchdog(reader, lines, until)
    assert told.index("in reader") < told.index("in inner_step")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_sees_through_a_task(lines: Lines, until: Until) -> None:
    """A task that waits for another shows where the other waits."""

    async def starter() -> None:
        await asyncio.create_task(inner_step())

    told = await told_by_a_watchdog(starter, lines, until)
    assert told.index("in starter") < told.index("in inner_step")


async def test_sees_through_a_generator_that_is_awaited(lines: Lines, until: Until) -> None:
    """As `types.coroutine` makes one, which passes on to what it yields from."""

    @types.coroutine
    def old_step() -> Generator[object, object, None]:
        yield from inner_step().__await__()

    async def outer_step() -> None:
        await old_step()

    told = await told_by_a_watchdog(outer_step, lines, until)
    assert told.index("in outer_step") < told.index("in old_step") < told.index("in inner_step")


def test_the_stack_of_a_group_has_that_of_the_first_in_it_as_well() -> None:
    """First where the group was raised, then where what is in it was; each line is a frame's."""

    def failing() -> None:
        raise ValueError

    class Group(Exception):  # noqa: N818 (as those of Python and anyio)
        exceptions: object = ()

    def raising() -> None:
        try:
            failing()
        except ValueError as error:
            group = Group()
            group.exceptions = (error,)
        raise group

    with pytest.raises(Group) as caught:
        raising()
    heading, *frames = raised_at(caught.value).splitlines()
    assert heading == "it was raised at (most recent call last):"
    assert all(frame.startswith("  ") for frame in frames)
    told = "".join(frames)
    assert told.index("in raising") < told.index("in failing")


def test_an_exception_whose_exceptions_are_no_tuple_is_no_group() -> None:
    """What the worker calls so may be anything."""

    class Odd(Exception):  # noqa: N818 (what it is called is not the point)
        exceptions = frozenset({1})

    assert raised_at(Odd()) == "it was raised at (most recent call last):\n"


async def test_awaits_in_a_circle_are_followed_once() -> None:
    """Two tasks that wait for each other, whose cancellation would not end, are shown once."""

    class Waiting:
        cr_frame = None
        cr_await: object

    first, second = Waiting(), Waiting()
    first.cr_await, second.cr_await = second, first
    assert list(_await_chain(first)) == []


async def test_a_task_that_runs_shows_the_stack_of_its_thread(
    lines: Lines, soon: Callable[..., None]
) -> None:
    """Where the task that set the watchdog blocks the loop, the stack shows in which call."""

    def a_synchronous_call() -> None:
        soon(lambda: any("watchdog" in line for line in lines()))

    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        with probe.watchdog(0.3):
            a_synchronous_call()
    told = next(line for line in lines() if "watchdog" in line)
    assert "the thread stands at" in told
    assert "in a_synchronous_call" in told


async def test_a_task_that_has_ended(until: Until) -> None:
    """A task that is over by the time that somebody asks says so."""
    places: list[Callable[[], str]] = []

    async def short() -> None:
        places.append(here())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(short)
    await until(lambda: places)
    assert places[0]() == "the task has ended"


async def test_a_thread_that_has_ended() -> None:
    """A thread that is over by the time that somebody asks says so."""
    places: list[Callable[[], str]] = []
    thread = threading.Thread(target=lambda: places.append(here()))
    thread.start()
    await anyio.to_thread.run_sync(thread.join)
    assert places[0]() == "the thread has ended"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_callback_of_the_loop_is_shown_as_its_thread(until: Until) -> None:
    """Where no task runs, in a callback of the loop, the place is the thread."""
    places: list[Callable[[], str]] = []
    asyncio.get_running_loop().call_soon(lambda: places.append(here()))
    await until(lambda: places)
    assert places[0]().startswith("the thread stands at")


def test_a_thread_that_is_none_of_the_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a greenlet that passes for a thread, as under gevent, it is not told that it has ended."""
    place = here()
    monkeypatch.setattr(threading.current_thread(), "_ident", -1)
    told = place()
    monkeypatch.undo()
    assert told == "where the thread stands cannot be seen, as under gevent"

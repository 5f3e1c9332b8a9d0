from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import tcp_probe
from tcp_probe import _condition

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]


class Answer:
    """A condition that does as it is told: returns what is set, or raises it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked = 0

    async def __call__(self) -> object:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


async def test_refuses_before_the_first_answer(checked: Checked, until: Until) -> None:
    """The port listens only once the condition has first returned something true."""
    answered = anyio.Event()

    async def condition() -> bool:
        await answered.wait()
        return True

    async with tcp_probe.serve(0, condition=condition) as probe:
        assert checked(probe.port) == "refused"
        assert probe.reasons == ("the condition has not been answered yet",)
        await anyio.sleep(0.02)
        assert checked(probe.port) == "refused"
        answered.set()
        await until(lambda: probe.listening)
        assert checked(probe.port) == "passed"


async def test_keeps_a_port_of_the_kernels_choice(checked: Checked, until: Until) -> None:
    """A port taken as 0 has its number from the start, while the condition does not hold yet."""
    answer = Answer(answer=False)
    async with tcp_probe.serve(0, condition=answer, interval=0.01) as probe:
        port = probe.port
        assert port > 0
        answer.answer = True
        await until(lambda: probe.listening and checked(port) == "passed")
        assert probe.port == port


async def test_goes_by_each_answer(checked: Checked, until: Until) -> None:
    """The port refuses when the condition no longer holds, and listens when it holds again."""
    answer = Answer(answer=True)
    async with tcp_probe.serve(0, condition=answer, interval=0.01) as probe:
        for _ in range(2):
            answer.answer = "yes"
            await until(lambda: probe.listening and checked(probe.port) == "passed")
            answer.answer = None
            # A busy machine may keep the loop longer than the interval, which is a reason as well.
            await until(lambda: probe.reasons == ("the condition returned None",))
            assert checked(probe.port) == "refused"


async def test_a_condition_that_goes_on_not_to_hold(until: Until) -> None:
    """The reason stays what it was, however often it is asked."""
    answer = Answer(answer=False)
    async with tcp_probe.serve(0, condition=answer, interval=0.01) as probe:
        await until(lambda: answer.asked > 3 and probe.reasons == ("the condition returned False",))


@pytest.mark.parametrize(
    "raised", [ValueError("down"), SystemExit(3), BaseException("bare")], ids=repr
)
async def test_a_condition_that_raises(raised: BaseException, until: Until) -> None:
    """Whatever it raises is a reason to refuse, never reaches the worker, and heals."""
    answer = Answer(raised)
    async with tcp_probe.serve(0, condition=answer, interval=0.01) as probe:
        reasons = (f"the condition raised {raised!r}",)
        await until(lambda: answer.asked > 2 and probe.reasons == reasons)
        answer.answer = True
        await until(lambda: probe.listening)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_condition_that_is_cancelled_from_inside(until: Until) -> None:
    """A cancellation that begins inside the condition is one more thing that it raises."""
    answer = Answer(asyncio.CancelledError())
    async with tcp_probe.serve(0, condition=answer, interval=0.01) as probe:
        reasons = ("the condition raised CancelledError()",)
        await until(lambda: answer.asked > 2 and probe.reasons == reasons)
        answer.answer = True
        await until(lambda: probe.listening)


async def test_a_condition_that_is_not_async(free_port: int) -> None:
    """A plain function given as condition is a TypeError at once, and the port is free again."""
    plain: Any = lambda: True  # noqa: E731
    with pytest.raises(TypeError, match=r"expected an async callable, .* returned True"):
        async with tcp_probe.serve(free_port, condition=plain):
            pytest.fail("it must not begin")
    async with tcp_probe.serve(free_port):
        pass


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_condition_that_returns_an_awaitable(until: Until) -> None:
    """A plain function may return something to await in its turn."""

    def condition() -> Awaitable[bool]:
        return asyncio.ensure_future(asyncio.sleep(0, result=True))

    async with tcp_probe.serve(0, condition=condition) as probe:
        await until(lambda: probe.listening)


async def test_a_condition_that_cannot_be_called(until: Until) -> None:
    """What is raised before there is anything to await is a reason like any other."""

    def condition() -> Awaitable[bool]:
        raise ConnectionError("no route")

    async with tcp_probe.serve(0, condition=condition) as probe:
        await until(lambda: "raised ConnectionError('no route')" in probe.reasons[0])


async def test_a_condition_that_does_not_return(
    lines: Callable[[], list[str]], until: Until
) -> None:
    """It makes the port refuse after `interval`, shows where it waits, and is asked again."""
    stuck = True

    async def forgotten_await() -> bool:
        if stuck:
            with anyio.CancelScope(shield=True):  # not given up before the thread has looked
                await until(lines)
            await anyio.sleep_forever()
        return True

    async with tcp_probe.serve(0, condition=forgotten_await, interval=1) as probe:
        late = "the condition did not return within 1 s"
        await until(lambda: late in probe.reasons)
        await until(lines)
        assert late in lines()[0]
        assert "in forgotten_await" in lines()[0]
        stuck = False
        await until(lambda: probe.listening)


async def test_a_condition_that_was_given_up(until: Until) -> None:
    """The reason stands, in the same words, until it is answered."""
    reasons: list[tuple[str, ...]] = []

    async def condition() -> bool:
        if asked.is_set():
            reasons.append(probe.reasons)
        asked.set()
        await anyio.sleep_forever()
        return True

    asked = anyio.Event()
    async with tcp_probe.serve(0, condition=condition, interval=0.05) as probe:
        await until(lambda: reasons)
    assert reasons[0] == ("the condition did not return within 0.05 s",)


async def test_a_condition_that_cannot_be_cancelled(until: Until) -> None:
    """Even where it shields itself it makes the port refuse in time, and heals when it returns."""
    free = anyio.Event()
    holds = True

    async def condition() -> bool:
        if not holds:
            with anyio.CancelScope(shield=True):
                await free.wait()
        return True

    async with tcp_probe.serve(0, condition=condition, interval=0.05) as probe:
        await until(lambda: probe.listening)
        holds = False
        await until(lambda: not probe.listening)
        await anyio.sleep(0.1)
        assert probe.reasons == ("the condition did not return within 0.05 s",)
        holds = True
        free.set()
        await until(lambda: probe.listening)


async def test_is_never_asked_by_a_check(checked: Checked, until: Until) -> None:
    """However many checks come, the condition is asked at its interval alone."""
    answer = Answer(answer=True)
    async with tcp_probe.serve(0, condition=answer, interval=3600) as probe:
        await until(lambda: probe.listening)
        for count in range(1, 21):
            checked(probe.port)
            await until(lambda least: probe.checks >= least, count)
        assert answer.asked == 1


async def test_is_asked_in_the_event_loops_thread(until: Until) -> None:
    """The condition runs where the worker runs, so it may look at the worker's own state."""
    asked_in: list[int] = []

    async def condition() -> bool:
        asked_in.append(threading.get_ident())
        return True

    async with tcp_probe.serve(0, condition=condition):
        await until(lambda: asked_in)
    assert asked_in == [threading.get_ident()]


async def test_machinery_that_breaks_refuses(monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    """A bug in what asks the condition makes the port refuse, and leaves the worker alone."""

    async def broken(*_: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(_condition, "ask", broken)
    async with tcp_probe.serve(0, condition=Answer(answer=True)) as probe:
        await until(lambda: "the probe itself broke: RuntimeError('bug')" in probe.reasons)


async def test_a_condition_that_exits_as_it_is_cancelled() -> None:
    """What a condition raises while the worker ends never reaches the worker."""

    async def condition() -> bool:
        try:
            await anyio.sleep_forever()
        finally:
            raise SystemExit(7)
        return True

    async with tcp_probe.serve(0, condition=condition):
        await anyio.sleep(0.01)


async def test_ends_with_the_worker() -> None:
    """A condition that is being asked when the worker ends is cancelled."""
    cancelled = False

    async def condition() -> bool:
        nonlocal cancelled
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled = True
            raise
        return True

    async with tcp_probe.serve(0, condition=condition) as probe:
        await anyio.sleep(0.01)
    assert cancelled
    assert probe.reasons == ("the condition has not been answered yet", "the worker has ended")


async def test_a_condition_is_cancelled_soon_after_its_interval(until: Until) -> None:
    """One that does not return is given up a twentieth after the refusal, and asked again."""
    left: list[float] = []

    async def condition() -> bool:
        left.append(anyio.current_effective_deadline() - anyio.current_time())
        return True

    async with tcp_probe.serve(0, condition=condition, interval=3600):
        await until(lambda: left)
    assert left == [pytest.approx(1.05 * 3600, abs=20)]

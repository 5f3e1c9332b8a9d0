from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import NoReturn

import anyio

from ._gate import Gate
from ._timer import Timer
from ._timers import Timers
from ._where import here

_CAUSE = "condition"


def is_cancellation_from_outside(error: BaseException) -> bool:
    """Tell the cancellation of a scope around the listener from one that began inside a task."""
    cancelled = isinstance(error, anyio.get_cancelled_exc_class())
    return cancelled and anyio.current_effective_deadline() == float("-inf")


def hold(condition: Callable[[], Awaitable[object]], gate: Gate) -> None:
    """Keep the port from listening until `ask` has got its first answer.

    Raises `TypeError` where `condition` gives nothing to await. An async function is not run.
    """
    gate.hold(_CAUSE, "the condition has not been answered yet")
    try:
        answer = condition()
    except Exception:  # noqa: BLE001 (a reason to refuse, once it is asked)
        return
    if not isawaitable(answer):
        raise TypeError(
            f"condition: expected an async callable, got {condition!r}, which returned {answer!r}"
        )
    getattr(answer, "close", bool)()  # a coroutine that nobody awaits is told otherwise


async def ask(
    condition: Callable[[], Awaitable[object]], interval: float, gate: Gate, timers: Timers
) -> NoReturn:
    """Ask `condition` every `interval` seconds; let the port listen exactly while it holds."""
    late = f"the condition did not return within {interval:g} s"
    timer = Timer(gate, timers, interval, late)
    while True:
        next_time = anyio.current_time() + interval
        # The timer refuses even where the condition cannot be cancelled, and its line in the log
        # shows where the condition waits; so the cancellation comes after it.
        timer.start(here())
        try:
            with anyio.move_on_after(1.05 * interval) as limit:
                answer = await condition()
            if limit.cancelled_caught:
                gate.refuse(_CAUSE, late)
            elif answer:
                gate.withdraw(_CAUSE)
            else:
                gate.refuse(_CAUSE, "the condition returned", about=answer)
        except BaseException as error:
            # Whatever it is, the worker goes on: a sys.exit(), or a cancellation that began inside.
            if isinstance(error, KeyboardInterrupt) or is_cancellation_from_outside(error):
                raise
            gate.refuse(_CAUSE, "the condition raised", about=error, error=error)
        finally:
            timer.stop()
        await anyio.sleep_until(next_time)

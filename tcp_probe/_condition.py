from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn

import anyio

from ._gate import Gate, described
from ._timers import Timers
from ._watchdog import Watchdog

_CAUSE = "condition"


def is_cancellation_from_outside(error: BaseException) -> bool:
    """Tell the cancellation of a scope around the listener from one that began inside a task."""
    cancelled = isinstance(error, anyio.get_cancelled_exc_class())
    return cancelled and anyio.current_effective_deadline() == float("-inf")


def hold(gate: Gate) -> None:
    """Keep the port from listening until `ask` has got its first answer."""
    gate.hold(_CAUSE, "the condition has not been answered yet")


async def ask(
    condition: Callable[[], Awaitable[object]], interval: float, gate: Gate, timers: Timers
) -> NoReturn:
    """Ask `condition` every `interval` seconds; let the port listen exactly while it holds."""
    late = f"the condition did not return within {interval:g} s"
    while True:
        next_time = anyio.current_time() + interval
        # The watchdog refuses even where the condition cannot be cancelled, and its line in the log
        # shows where the condition waits; so the cancellation comes after it.
        with Watchdog(gate, timers, interval, late):
            reason: str | None = late
            raised: BaseException | None = None
            try:
                with anyio.move_on_after(1.05 * interval):
                    answer = await condition()
                    reason = None if answer else f"the condition returned {described(answer)}"
            except Exception as error:  # noqa: BLE001 (whatever it is, the worker goes on)
                raised = error
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) or is_cancellation_from_outside(error):
                    raise
                raised = error  # sys.exit(), or a cancellation that began inside the condition
            if raised is not None:
                reason = f"the condition raised {described(raised)}"
            if reason is None:
                gate.withdraw(_CAUSE)
            else:
                gate.refuse(_CAUSE, reason, error=raised)
        await anyio.sleep_until(next_time)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import current_thread
from time import monotonic

from ._defaults import PING_PAUSE
from ._gate import Gate
from ._timers import Timers
from ._where import thread_stack


class StallWatch:
    """Makes the port refuse while the event loop leaves a ping unanswered for `timeout` seconds.

    The pings come from the thread of `Timers`. A timer of the loop's own would cost about as much,
    and would make every check dearer, for a loop with a timer has to ask the time at each turn.
    """

    def __init__(
        self,
        gate: Gate,
        timers: Timers,
        timeout: float,
        call_soon: Callable[[Callable[[], None]], None],
    ) -> None:
        self._timeout = timeout
        self._gate = gate
        self._timers = timers
        self._call_soon = call_soon
        self._place = partial(thread_stack, current_thread())
        self._answered = True
        self._ran_out = False
        self._pinged_at = 0.0

    def start(self) -> None:
        """Watch the event loop of this thread."""
        self._ping()
        self._timers.start(self)

    def _due_at(self) -> float:
        """Return when to ping again, or when an unanswered ping is a stall."""
        if self._ran_out:
            return float("inf")
        again = self._pinged_at + PING_PAUSE * self._timeout
        if self._answered or monotonic() < again:
            return again
        return self._pinged_at + self._timeout

    def _due(self) -> None:
        """Ping again, or make the port refuse."""
        if self._answered:
            self._ping()
        else:
            reason = f"the event loop has not run for {self._timeout:g} s"
            self._gate.refuse(self, reason, still=self._run_out, where=self._place)

    def _ping(self) -> None:
        self._pinged_at = monotonic()
        self._answered = False
        self._call_soon(self._answer)

    def _answer(self) -> None:
        self._answered = True
        if self._ran_out:
            self._ran_out = False
            self._gate.withdraw(self)
            self._timers.look_at(self)

    def _run_out(self) -> bool:
        self._ran_out = True  # before the look at what _answer() writes first
        if self._answered:
            self._ran_out = False
        return self._ran_out

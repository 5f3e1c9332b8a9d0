from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from threading import current_thread
from time import monotonic

from ._defaults import PING_PAUSE
from ._gate import Gate
from ._timer import Timer
from ._timers import Timers
from ._where import thread_stack


class StallWatch(Timer):
    """Makes the port refuse while the event loop leaves a ping unanswered for `timeout` seconds.

    The pings come from the thread of `Timers`. A timer of the loop's own would cost about as much,
    and would make every check dearer, for a loop with a timer has to ask the time at each turn.
    """

    __slots__ = ("_answered", "_call_soon")

    def __init__(
        self,
        gate: Gate,
        timers: Timers,
        timeout: float,
        call_soon: Callable[[Callable[[], None]], object],
    ) -> None:
        super().__init__(gate, timers, timeout, f"the event loop has not run for {timeout:g} s")
        self._call_soon = call_soon
        self._answered = False

    def watch(self) -> None:
        """Watch the event loop of this thread."""
        self._timers.keep_armed = self._arm
        self.start(partial(thread_stack, current_thread()))
        self._ping()

    def due_at(self) -> float:
        """Return when to ping again, or when an unanswered ping is a stall."""
        again = self.reset_at + PING_PAUSE * self.timeout
        if not self.ran_out and (self._answered or monotonic() < again):
            return again
        return super().due_at()

    def _arm(self) -> float:
        if self.ran_out:  # why its loop stands still is told, and nobody would arm it again
            self._gate.last_words.disarm()
        else:
            self._gate.last_words.arm(self.timeout)
        return float("inf")  # the pings come often enough

    def due(self) -> None:
        """Ping again, or make the port refuse."""
        if self._answered:
            self._ping()
        else:
            super().due()

    def _ping(self) -> None:
        self.reset_at = monotonic()
        self._answered = False
        try:
            self._call_soon(self._answer)
        except RuntimeError:  # it has been closed
            self._timers.stop(self)
            self._timers.keep_armed = lambda: float("inf")
            self._gate.last_words.disarm()
            self._gate.refuse(self, "the event loop has ended", level=logging.INFO)

    def _answer(self) -> None:
        self._answered = True
        if self.ran_out:
            self.come_back()

    def _is_over(self) -> bool:
        return not self._answered and super()._is_over()

from __future__ import annotations

from time import monotonic

from ._defaults import PING_PAUSE
from ._gate import Gate
from ._timer import Timer
from ._timers import Timers

# So many times as seldom as the watch of an event loop does, whose pings wake the thread anyway: a
# process that keeps the GIL does not end before the whole grace period is over.
_SELDOM = 1.25


class GilWatch(Timer):
    """Keeps the dump of all stacks armed where there is no event loop, whose watch does so too."""

    __slots__ = ("_pause", "_stall_timeout")

    def __init__(self, gate: Gate, timers: Timers, stall_timeout: float) -> None:
        self._stall_timeout = _SELDOM * stall_timeout
        self._pause = 4 * PING_PAUSE * self._stall_timeout  # when a ping would arm it again
        # The thread sleeps for a quarter of it at most.
        super().__init__(gate, timers, 4 * self._pause, "")

    def watch(self) -> None:
        """Watch from now on."""
        self._timers.keep_armed = self._arm
        self.start(str)

    def due_at(self) -> float:
        """Return when to arm it again."""
        return self.reset_at + self._pause

    def due(self) -> None:
        """Note that it was armed."""
        self.reset_at = monotonic()

    def forgive(self, late: float, now: float) -> None:
        """There is nothing to forgive."""

    def _arm(self) -> None:
        self._gate.last_words.arm(self._stall_timeout)

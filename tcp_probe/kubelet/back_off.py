from __future__ import annotations

from typing import TYPE_CHECKING

from .go_format import duration
from .versions import FIRST_DELAY, LONGEST_DELAY, Rules

if TYPE_CHECKING:
    import random

FIRST = FIRST_DELAY
LIMIT = LONGEST_DELAY
# Counted from the last start to the exit: a container that ran longer starts at FIRST again.
RESET = 600.0
# Before Kubernetes 1.35 kubelet looked at a pod that backs off after so many seconds again, ...
LOOK_AGAIN = (10.0, 15.0)
# ... since then when the rest of the back-off is over, but after so many at most, ...
LONGEST_LOOK = 60.0
# ... lengthened by up to this part of it, and by the second in which its queue is looked at.
JITTER = 0.5
QUEUE = 1.0


class BackOff:
    """How long kubelet leaves a container ended: 10 s, doubled with each restart up to 300 s."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.delay = 0.0
        self._rules = rules or Rules()
        self._restarted_at: float | None = None

    def allows_restart(self, now: float, exited_at: float) -> bool:
        """Say whether a container that ended at `exited_at` may start now, and count that start."""
        forgotten = self._restarted_at is None or exited_at - self._restarted_at > RESET
        if not forgotten and now - exited_at < self.delay:
            return False
        rules = self._rules
        self.delay = rules.first_delay if forgotten else min(2 * self.delay, rules.longest_delay)
        self._restarted_at = now
        return True

    def look_again(self, now: float, exited_at: float, chance: random.Random) -> float:
        """Return when kubelet looks again at a container that backs off since `exited_at`."""
        if not self._rules.has("exact re-queue"):
            return now + chance.uniform(*LOOK_AGAIN)
        rest = min(max(exited_at + self.delay - now, 0), LONGEST_LOOK)
        return now + rest * chance.uniform(1, 1 + JITTER) + chance.uniform(0, QUEUE)

    def __str__(self) -> str:
        """Write the delay as Go does: 40s, 1m20s."""
        return duration(self.delay)


def latest_end(delay: float, rules: Rules) -> float:
    """Return after how many seconds at most a back-off of `delay` has ended in a restart.

    >>> latest_end(20, Rules())
    31.0
    """
    if not rules.has("exact re-queue"):
        return delay + LOOK_AGAIN[1]
    return delay + min(delay, LONGEST_LOOK) * JITTER + QUEUE

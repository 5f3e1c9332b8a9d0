"""What changed in kubelet from version to version, as far as it matters here."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

# The minor versions whose rules are known.
OLDEST = 28
NEWEST = 37

Change = Literal[
    "sidecars",
    "sleep",
    "sleep of zero",
    "max restart period",
    "reduced decay",
    "error state",
    "exact re-queue",
    "short messages",
    "kept start",
    "own restart policy",
    "relist at once",
    "restart all",
    "stop signal",
]
# The minor version from which on each is the rule.
SINCE: dict[Change, int] = {
    # An init container with the restartPolicy Always runs beside the others.
    "sidecars": 29,
    # A hook may sleep, ...
    "sleep": 30,
    # ... and for 0 s, too.
    "sleep of zero": 33,
    # Known, and on by default only from 1.35 on: crashLoopBackOff.maxContainerRestartPeriod.
    "max restart period": 32,
    # Known, and never on by default: ReduceDefaultCrashLoopBackOffDecay.
    "reduced decay": 33,
    # `errored and resulted in unknown state: ` in place of `errored: `.
    "error state": 33,
    # kubelet looks again when a back-off is over, not every 10 to 15 s.
    "exact re-queue": 35,
    # `Container started` in place of `Started container NAME`.
    "short messages": 35,
    # A container that was killed and started at once passes for started until its startup probe
    # ticks.
    "kept start": 35,
    # A container may have a restartPolicy and restartPolicyRules of its own.
    "own restart policy": 35,
    # kubelet sees at once what it has started, not within a second.
    "relist at once": 36,
    # A rule may have the action RestartAllContainers.
    "restart all": 36,
    # lifecycle.stopSignal is heeded.
    "stop signal": 37,
}

FIRST_DELAY = 10.0
LONGEST_DELAY = 300.0
REDUCED_FIRST_DELAY = 1.0
REDUCED_LONGEST_DELAY = 60.0


@dataclass(frozen=True)
class Rules:
    """The rules of one kubelet: those of its version, and what its node's configuration sets.

    `minor` is the version without `1.`, the newest known by default, as clusters move on.
    `max_restart_period` is `crashLoopBackOff.maxContainerRestartPeriod` in seconds, and None where
    it is not set; `reduced_decay` says that ReduceDefaultCrashLoopBackOffDecay is switched on.

    >>> Rules(minor=34).has("exact re-queue")
    False
    >>> Rules(max_restart_period=30).longest_delay
    30
    """

    minor: int = NEWEST
    max_restart_period: float | None = None
    reduced_decay: bool = False

    def __str__(self) -> str:
        """Write the version as in 1.36."""
        return f"1.{self.minor}"

    @property
    def first_delay(self) -> float:
        """The first back-off of a container, in seconds."""
        first = REDUCED_FIRST_DELAY if self.reduced_decay else FIRST_DELAY
        return min(first, inf if self.max_restart_period is None else self.max_restart_period)

    @property
    def longest_delay(self) -> float:
        """The back-off that is not exceeded, in seconds."""
        if self.max_restart_period is not None:
            return self.max_restart_period
        return REDUCED_LONGEST_DELAY if self.reduced_decay else LONGEST_DELAY

    def has(self, change: Change) -> bool:
        """Whether this version has what came with one of the changes."""
        return self.minor >= SINCE[change]

    @staticmethod
    def since(change: Change) -> int:
        """Return the minor version from which on a change is the rule."""
        return SINCE[change]


def parse(text: str) -> int:
    """Read a version such as `1.36` and return its minor part.

    Raises `ValueError` with the versions that are known.
    """
    major, _, minor = text.removeprefix("v").partition(".")
    minor = minor.partition(".")[0]
    if major != "1" or not (minor.isascii() and minor.isdecimal()):
        raise ValueError(f"expected a version such as 1.{NEWEST}, got {text!r}")
    if not OLDEST <= int(minor) <= NEWEST:
        raise ValueError(f"expected a version from 1.{OLDEST} to 1.{NEWEST}, got {text!r}")
    return int(minor)

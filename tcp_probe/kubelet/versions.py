"""What changed in kubelet from version to version, as far as it matters here."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

# The minor versions whose rules are known.
OLDEST = 28
NEWEST = 37

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

    >>> Rules(minor=34).exact_requeue
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

    @property
    def exact_requeue(self) -> bool:
        """Whether kubelet looks again when a back-off ends, or every 10 to 15 s."""
        return self.minor >= 35

    @property
    def relists_at_once(self) -> bool:
        """Whether a container that was started is seen at once, or within a second."""
        return self.minor >= 36

    @property
    def keeps_started(self) -> bool:
        """Whether a restarted container counts as started until its startup probe ticks."""
        return self.minor >= 35

    @property
    def short_messages(self) -> bool:
        """Whether it is `Container started`, or `Started container NAME`."""
        return self.minor >= 35

    @property
    def tells_error_state(self) -> bool:
        """Whether an errored check is reported with the state that it resulted in."""
        return self.minor >= 33

    @property
    def has_sidecars(self) -> bool:
        """Whether an init container may have the restartPolicy Always."""
        return self.minor >= 29

    @property
    def has_sleep(self) -> bool:
        """Whether a hook may sleep."""
        return self.minor >= 30

    @property
    def has_sleep_of_zero(self) -> bool:
        """Whether a hook may sleep for 0 s."""
        return self.minor >= 33

    @property
    def has_restart_rules(self) -> bool:
        """Whether a container may have a restartPolicy and restartPolicyRules of its own."""
        return self.minor >= 35

    @property
    def has_restart_all(self) -> bool:
        """Whether a rule may restart all containers of the pod."""
        return self.minor >= 36

    @property
    def has_stop_signal(self) -> bool:
        """Whether lifecycle.stopSignal is heeded."""
        return self.minor >= 37

    @property
    def has_max_restart_period(self) -> bool:
        """Whether maxContainerRestartPeriod exists; before 1.35 only with its feature gate."""
        return self.minor >= 32

    @property
    def has_reduced_decay(self) -> bool:
        """Whether ReduceDefaultCrashLoopBackOffDecay exists."""
        return self.minor >= 33


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

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Literal

ProbeKind = Literal["startup", "liveness", "readiness"]

# An errored check is made this often at once before kubelet gives up on it.
TRIES = 3
INITIAL: dict[ProbeKind, bool | None] = {"startup": None, "liveness": True, "readiness": False}


@dataclass(frozen=True)
class Probe:
    """One probe of a container; the defaults are those of Kubernetes.

    `period`, `timeout` and `initial_delay` are seconds, the thresholds are results in a row.
    `grace` is the probe's own `terminationGracePeriodSeconds`; None leaves it to the pod.

    >>> Probe("liveness", period=1, timeout=1, failure_threshold=3)
    """

    kind: ProbeKind
    period: float = 10
    timeout: float = 1
    initial_delay: float = 0
    success_threshold: int = 1
    failure_threshold: int = 3
    grace: float | None = None


class Prober:
    """kubelet's worker for one probe: a ticker, a run of equal results, and a hold.

    The ticker belongs to the pod: neither a restart nor a failure shifts it, only `trigger` does.
    `result` is None while it is unknown.
    """

    def __init__(self, probe: Probe, now: float) -> None:
        self.probe = probe
        self.checking = False
        self.result = INITIAL[probe.kind]
        self.next_tick = 0.0
        self._restart_ticker(now)
        self._ticked = False
        self._triggered = False
        self._tries = 0
        self._last: bool | None = None
        self._run = 0
        self._outdated = self._on_hold = False
        # Whether the prober itself has seen that there is a new container: it does so at a tick.
        self.met = False

    @property
    def steady(self) -> bool:
        """Whether passing checks change nothing, so that they may be left out."""
        enough = self._last is True and self._run >= self.probe.success_threshold
        idle = not (self.checking or self._ticked or self._triggered)
        return idle and self.met and (self._on_hold or (enough and self.result is True))

    def container_started(self, now: float) -> None:
        """Begin with a new container; a check still under way belongs to the old one.

        The run of equal results is not begun anew: kubelet carries it over.
        """
        self.skip_ticks(now)
        self._ticked = False
        self._outdated = self.checking
        self._on_hold = self.met = False
        self.result = INITIAL[self.probe.kind]

    def trigger(self) -> None:
        """Ask for a check out of turn, from which the ticker then starts again."""
        self._triggered = True

    def poll(self, now: float, age: float, *, started: bool) -> bool:
        """Say whether to check now a container of this age, whose start-up is over or not."""
        if self.next_tick <= now:
            self._ticked = True
            self.skip_ticks(now)
        if self.checking or not (self._ticked or self._triggered):
            return False
        if self._triggered:
            self._restart_ticker(now)
        self._ticked = self._triggered = False
        self.met = True
        startup = self.probe.kind == "startup"
        self.checking = not self._on_hold and age >= self.probe.initial_delay and started != startup
        return self.checking

    def abandon(self) -> None:
        """End a check that came to no result; kubelet throws such a one away."""
        self.checking = self._outdated = False
        self._tries = 0

    def tries_again(self) -> bool:
        """Say whether the check under way, which has errored, is made once more."""
        self._tries += 1
        return self._tries < TRIES and not self._outdated

    def finish(self, *, success: bool) -> bool:
        """Count the result of the check under way; say whether the probe's state changed."""
        self._run = self._run + 1 if success == self._last else 1
        self._last = success
        outdated = self._outdated
        self.abandon()
        probe = self.probe
        if self._run < (probe.success_threshold if success else probe.failure_threshold):
            return False
        if probe.kind == "startup" or (probe.kind == "liveness" and not success):
            self._on_hold = not outdated
            self._run = 0
        if outdated or self.result == success:
            return False
        self.result = success
        return True

    def skip_ticks(self, now: float) -> None:
        """Let the ticks up to now pass unused."""
        if self.next_tick <= now:
            missed = floor((now - self.next_tick) / self.probe.period)
            self._ticks += 1 + missed
            self.next_tick = self._origin + (self._ticks + 1) * self.probe.period

    def _restart_ticker(self, now: float) -> None:
        self._origin = now
        self._ticks = 0
        self.next_tick = now + self.probe.period

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.kubelet.steps import Container, Event, Outcome

# Told of each check: when it began and ended, of which probe, and how it ended.
OnCheck = Callable[[float, float, "ProbeKind", "Outcome"], None]
Result = Literal["passed", "failed", "timed out", "errored"]
# A check that fails within this part of its timeout has been answered.
ANSWERED = 0.98


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the time, in seconds."""

    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a probe and how it ended. An errored one counts for nothing."""

    span: Span
    result: Result

    @property
    def ended(self) -> float:
        """When its result was known."""
        return self.span.ended


@dataclass(frozen=True, slots=True)
class End:
    """Why a container ended: `time` is that of the kill, or of the exit if nobody killed it."""

    time: float
    why: str


class Timeline:
    """What happened to one container, gathered as spans and points for a picture.

    >>> timeline = Timeline(container)
    >>> for event in simulation.run(60):
    ...     timeline.add(event)
    >>> timeline.close(60)
    >>> timeline.running
    [Span(began=0.0, ended=11.6), ...]
    """

    def __init__(self, container: Container) -> None:
        self.name = container.name
        self.checks: dict[ProbeKind, list[Check]] = {probe.kind: [] for probe in container.probes}
        self.running: list[Span] = []
        # The part in which the worker stood still, where somebody knows.
        self.stuck: list[Span] = []
        self.grace: list[Span] = []
        self.back_off: list[Span] = []
        self.ready: list[Span] = []
        self.ends: list[End] = []
        self.restarts = 0
        self.now = 0.0
        self._timeouts = {probe.kind: probe.timeout for probe in container.probes}
        self._failure = ""
        self._killed: End | None = None
        self._backs_off = False
        # When what goes on now began, or None where it does not.
        self._started_at: float | None = None
        self._killed_at: float | None = None
        self._exited_at: float | None = None
        self._ready_at: float | None = None

    def check(self, began: float, ended: float, kind: ProbeKind, outcome: Outcome) -> None:
        """Take one check into account."""
        result: Result = "passed"
        if outcome.success is None:
            result = "errored"
        elif not outcome.success:
            in_time = ended - began < ANSWERED * self._timeouts[kind]
            result = "failed" if in_time else "timed out"
        self.checks[kind].append(Check(Span(began, ended), result))

    def add(self, event: Event) -> None:
        """Take one event into account."""
        self.now = event.time
        if event.reason == "Started":
            self._end_back_off(event.time)
            self._started_at = event.time
            self.restarts = event.restarts
        elif event.reason == "Unhealthy" and not event.message.startswith("Readiness"):
            self._failure = event.message
        elif event.reason == "Killing":
            self._end_running(event.time)
            self._killed_at = event.time
            why = self._failure.strip() if " probe" in event.message else event.message
            self._killed = End(event.time, f"killed: {why or event.message}")
        elif event.reason == "Exited":
            self._exited(event)
        elif event.reason == "BackOff":
            self._backs_off = True
        elif event.reason == "Ready":
            self._ready_at = event.time
        elif event.reason == "NotReady":
            self._end_ready(event.time)

    def close(self, now: float) -> None:
        """End what still goes on."""
        self.now = now
        self._end_running(now)
        self._end_grace(now)
        self._end_ready(now)
        self._end_back_off(now)
        if self._killed:
            self.ends.append(self._killed)

    def _exited(self, event: Event) -> None:
        self._end_running(event.time)
        self._end_grace(event.time)
        self._exited_at = event.time
        exited = event.message.removeprefix(f"Container {self.name} ")
        killed = self._killed
        why = f"{killed.why}; {exited}" if killed else exited
        self.ends.append(End(killed.time if killed else event.time, why))
        self._killed = None
        self._failure = ""

    def _end_running(self, now: float) -> None:
        if self._started_at is not None:
            self.running.append(Span(self._started_at, now))
        self._started_at = None

    def _end_grace(self, now: float) -> None:
        if self._killed_at is not None:
            self.grace.append(Span(self._killed_at, now))
        self._killed_at = None

    def _end_ready(self, now: float) -> None:
        if self._ready_at is not None:
            self.ready.append(Span(self._ready_at, now))
        self._ready_at = None

    def _end_back_off(self, now: float) -> None:
        if self._backs_off and self._exited_at is not None:
            self.back_off.append(Span(self._exited_at, now))
        self._backs_off = False
        self._exited_at = None

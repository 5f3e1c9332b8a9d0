from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.prober import Probe, ProbeKind
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome, RunCheck, StartContainer, Step
from tcp_probe.kubelet.versions import NEWEST, Rules


class Play:
    """A kubelet whose checks end at once, with the outcome that is set for each probe."""

    def __init__(
        self, *probes: Probe, minor: int = NEWEST, seed: int = 1, **container: Any
    ) -> None:
        self.kubelet = Kubelet(Container("worker", probes, **container), seed, Rules(minor))
        self.now = 0.0
        self.outcomes: dict[ProbeKind, Outcome] = {}
        self.steps: list[Step] = []
        self.checks: list[tuple[ProbeKind, float]] = []
        self.take(self.kubelet.start(0.0))

    def take(self, steps: list[Step]) -> None:
        for step in steps:
            self.steps.append(step)
            if isinstance(step, StartContainer):
                self.take(self.kubelet.started(self.now))
            elif isinstance(step, RunCheck):
                kind = step.probe.kind
                self.checks.append((kind, round(self.now, 3)))
                outcome = self.outcome_of(kind)
                self.take(self.kubelet.checked(self.now, kind, outcome))

    def outcome_of(self, kind: ProbeKind) -> Outcome:
        return self.outcomes.get(kind, Outcome(success=True))

    def until(self, time: float) -> None:
        while self.kubelet.next_wake <= time:
            self.now = self.kubelet.next_wake
            self.take(self.kubelet.wake(self.now))
        self.now = time

    def exits(self, code: int = 0) -> None:
        self.take(self.kubelet.exited(self.now, code))

    def reasons(self) -> list[str]:
        return [event.reason for event in self.events()]

    def events(self, *reasons: str) -> list[Event]:
        events = [step for step in self.steps if isinstance(step, Event)]
        return [event for event in events if not reasons or event.reason in reasons]

    def times(self, kind: ProbeKind) -> list[float]:
        return [time for checked, time in self.checks if checked == kind]

    def found(self, kind: type[Step]) -> list[Any]:
        return [step for step in self.steps if isinstance(step, kind)]


@pytest.fixture
def stage() -> Callable[..., Play]:
    """Make a kubelet whose checks end at once, for a container with these probes and settings."""
    return Play

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tcp_probe.rehearsal.kubelet import (
    Container,
    Event,
    Kubelet,
    Outcome,
    Probe,
    ProbeKind,
    RunCheck,
    StartContainer,
    Step,
)

PATIENCE = 20.0
Manifest = Callable[..., str]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Write documents, as text or as values, to a file and return its name."""

    def manifest(*documents: Any) -> str:
        path = tmp_path / "worker.yaml"
        texts = [each if isinstance(each, str) else yaml.safe_dump(each) for each in documents]
        path.write_text("---\n".join(texts), encoding="utf-8")
        return str(path)

    return manifest


@pytest.fixture
def pod() -> Callable[..., dict[str, Any]]:
    """Make a Pod with one container that has these fields, and a spec that has those."""

    def pod(spec: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        container = {"name": "worker", "image": "worker", **fields}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "worker"},
            "spec": {**(spec or {}), "containers": [container]},
        }

    return pod


@pytest.fixture
def wait_until_ended() -> Callable[..., None]:
    """Wait until none of some processes runs; one that nobody has asked after may stay a zombie."""

    def runs(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def wait_until_ended(*processes: psutil.Process) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(map(runs, processes)):
            assert time.monotonic() < deadline, processes
            time.sleep(0.01)

    return wait_until_ended


class Play:
    """A kubelet whose checks end at once, with the outcome that is set for each probe."""

    def __init__(self, *probes: Probe, **container: Any) -> None:
        self.kubelet = Kubelet(Container("worker", probes, **container))
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
                outcome = self.outcomes.get(kind, Outcome(success=True))
                self.take(self.kubelet.checked(self.now, kind, outcome))

    def until(self, time: float) -> None:
        while self.kubelet.next_wake <= time:
            self.now = self.kubelet.next_wake
            self.take(self.kubelet.wake(self.now))
        self.now = time

    def exits(self, code: int = 0) -> None:
        self.take(self.kubelet.exited(self.now, code))

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

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.steps import Event
from tcp_probe.manifest.workload import load
from tcp_probe.rehearse.container_run import Part
from tcp_probe.rehearse.rehearsal import Rehearsal

# How long (s) to wait for what should happen soon, on a busy machine too.
PATIENCE = 60.0

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]

LIVENESS = {"tcpSocket": {"port": 9090}, "periodSeconds": 2}


@pytest.fixture
def file(manifest: Manifest, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a manifest whose worker listens on 9090."""
    monkeypatch.setenv("COLUMNS", "80")
    return manifest(pod(livenessProbe=LIVENESS))


@pytest.fixture
def free_file(manifest: Manifest, pod: Pod, free_port: int) -> str:
    """Write a manifest whose worker listens on a port that nothing listens on."""
    return manifest(pod(livenessProbe={"tcpSocket": {"port": free_port}, "periodSeconds": 2}))


class Stage:
    """Rehearses a pod and keeps what was reported and printed."""

    def __init__(self, file: str, command: tuple[str, ...], **options: Any) -> None:
        self.events: list[Event] = []
        self.lines: list[tuple[str, bool]] = []
        self.remarks: list[str] = []
        self.on: dict[str, Callable[[], None]] = {}
        self.rehearsal = Rehearsal([Part(load(file), command, self)], **options)

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.on.pop(event.reason, lambda: None)()

    def check(self, *_: object) -> None:
        pass

    def output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        self.lines.append((line, is_error))
        self.on.pop(line, lambda: None)()

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.events]

    async def run(self, until: float = PATIENCE) -> float:
        return await self.rehearsal.run(until)


@pytest.fixture
def staged() -> Callable[..., Stage]:
    """Prepare to rehearse the pod of a file with a worker of these lines of Python, or a command.

    What the worker needs most is imported. What is reported and printed is kept.
    """

    def staged(file: str, *lines: str, command: tuple[str, ...] = (), **options: Any) -> Stage:
        code = "\n".join(["import os, signal, socket, sys, time", *lines])
        return Stage(file, command or (sys.executable, "-S", "-c", code), **options)

    return staged

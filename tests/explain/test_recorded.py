from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tcp_probe._defaults import BACKLOG
from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings
from tcp_probe.explain.timing import Figures, Span

# Recorded from kubelet 1.36.2 with real containers.
GOLDEN = Path(__file__).parents[1] / "rehearse" / "golden" / "1.36"
# A container needs so long to boot, and kubelet so long to act (s).
BOOT = 0.3
VERSION = 36
# The worker of this recording had another backlog than that of today.
BACKLOGS = {"lab-fds-exhausted": 5}
# Here a child of the shell holds the output, for which the runtime waits beyond the timeout: the
# rule shell-without-exec tells of that, figures cannot.
OUTLIVED = {"exec-times-out-shell"}
FAULTS = {"close": "refuses", "hang": "stands_still", "start": "start"}


@dataclass(frozen=True)
class Recording:
    """What a worker did, and when kubelet killed it and started it again."""

    name: str
    told: dict[str, Any]

    @property
    def fault(self) -> tuple[str, float]:
        """The fault, and at which age of the container it begins."""
        script = dict(part.split("=") for part in self.told["worker"].split(","))
        kind = next(kind for kind in ("close", "hang", "start") if kind in script)
        return kind, float(script[kind].split(":")[0])

    def times(self, reason: str, detail: str = "") -> list[float]:
        return [
            event["time"]
            for event in self.told["events"]
            if event["reason"] == reason
            and event.get("container") in (None, self.told.get("container"))
            and detail in event.get("detail", "")
        ]


def recordings() -> list[Recording]:
    """Read those in which a probe kills a worker for a fault that begins at a known time."""
    read = [
        Recording(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(GOLDEN.glob("*.json"))
    ]
    known = re.compile(r"\b(close|hang|start)=")
    return [
        each
        for each in read
        if known.search(each.told.get("worker") or "")
        and each.times("Killing", "probe")
        and each.name not in OUTLIVED
    ]


@pytest.mark.parametrize("recording", recordings(), ids=lambda each: each.name)
def test_the_figures_hold_what_a_real_kubelet_took(
    recording: Recording, manifest: Callable[..., str]
) -> None:
    """From each start of the container on, to the kill."""
    backlog = BACKLOGS.get(recording.name, BACKLOG)
    settings = Settings(tcp_probe=True, backlog=backlog, version=VERSION)
    explained = explain(manifest(json.dumps(recording.told["pod"])), None, settings)
    wanted = recording.told.get("container")
    container = next(
        each
        for each in explained.containers
        if each.timing
        and (each.choice.container_name == wanted or (not wanted and each.faults()))
        and each.timing.start()
    )
    kind, at = recording.fault
    timing = container.timing
    assert timing
    figures = container.faults().get(FAULTS[kind], Figures(None, None, None, None))
    killed = figures.killed
    if kind == "start" or at == 0:
        killed, at = timing.start(), 0
    assert isinstance(killed, Span)
    starts = recording.times("Started")
    for kill in recording.times("Killing", "probe"):
        started = max(time for time in starts if time <= kill)
        assert killed.least - BOOT <= kill - started - at <= killed.most + BOOT


def test_there_are_recordings_of_every_kind() -> None:
    """Of each fault and each handler, or the test above would hold of nothing."""
    read = recordings()
    assert {each.fault[0] for each in read} == {"close", "hang", "start"}
    probes = [
        container[probe]
        for each in read
        for container in each.told["pod"]["spec"]["containers"]
        for probe in ("livenessProbe", "startupProbe")
        if probe in container
    ]
    handlers = {name for probe in probes for name in probe}
    assert {"tcpSocket", "httpGet", "exec"} <= handlers
    assert len(read) >= 15

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.kubelet.handlers import HttpGet
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import DEFAULT_SEED
from tcp_probe.kubelet.steps import Container, Event
from tcp_probe.manifest.workload import load
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import WorkerScript, parse

GOLDEN = Path(__file__).parent / "golden"
NAMES = ["crash", "finished-worker", "hang", "slow-start-saved", "wrong-port"]
# What the recordings show of the worker beyond its script.
SCRIPTS: dict[str, dict[str, Any]] = {
    # It listened on another port than the one that was probed.
    "wrong-port": {"port": 9090},
    # It passed a check 20.07 s after a start and refused one after 20.15 s.
    "finished-worker": {"close": 20.1},
}


@dataclass(frozen=True)
class Happening:
    """What is compared of an event: `what` exactly, `time` within a tolerance."""

    time: float
    what: str


class Recording:
    """A recording of kubelet, and the simulation of the same pod and worker."""

    def __init__(self, name: str, folder: Path) -> None:
        recorded = json.loads((GOLDEN / f"{name}.json").read_text())
        manifest = folder / "pod.json"
        manifest.write_text(json.dumps(recorded["pod"]))
        workload = load(str(manifest))
        self.container = workload.container
        self.handlers = workload.handlers
        self.script = replace(parse(recorded["worker"]), **SCRIPTS.get(name, {}))
        self.events: list[dict[str, Any]] = recorded["events"]
        self.period = max((probe.period for probe in self.container.probes), default=1)

    def simulate(self, seed: int | random.Random) -> Simulation:
        return Simulation(self.container, self.handlers, self.script, seed=seed)

    def times(self, *reasons: str) -> list[float]:
        return [event["time"] for event in self.events if event["reason"] in reasons]

    def happenings(self) -> list[Happening]:
        happenings = []
        for event in self.events:
            detail = event.get("detail", "").replace("POD", "127.0.0.1")
            what = {
                "Started": "Started container app",
                "Unhealthy": f"{event.get('probe', '').capitalize()} probe failed: {detail}",
                "Killing": detail,
                "BackOff": f"Back-off {detail} restarting failed container app",
            }.get(event["reason"])
            if what:
                happenings.append(Happening(event["time"], what))
        return happenings


def compared(events: list[Event]) -> list[Happening]:
    reasons = ("Started", "Unhealthy", "Killing", "BackOff")
    return [Happening(event.time, event.message) for event in events if event.reason in reasons]


class RecordedChance(random.Random):
    """Decides what is random in kubelet as it was decided in a recording."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self.simulation: Simulation | None = None
        self._starts = recording.times("Started")
        # A start has kubelet ask the runtime at once, which is not one of the regular times.
        asked = [
            died
            for died in recording.times("Died")
            if not any(0 <= died - start < 0.1 for start in self._starts)
        ]
        # A container that is not ready yet is checked whenever kubelet has asked.
        ready = [
            event["time"]
            for event in recording.events
            if event["reason"] == "ProbeSucceeded" and event["probe"] == "readiness"
        ]
        self._news = sorted(asked + ready)

    def uniform(self, low: float, high: float) -> float:
        assert self.simulation is not None
        now = self.simulation.now
        recorded = self._starts if low else self._news
        delay = next((time for time in recorded if time > now + 0.01), now + high) - now
        # kubelet may have looked several times before it started the container.
        return delay if low else min(delay, high)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_reproduced_event_by_event(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the recorded chance, every event comes in the recorded order, within 0.2 s."""
    recording = Recording(name, tmp_path)
    # How long it took to set up the pod, in which its tickers already ran, is chance, too.
    checks = recording.times("ProbeSucceeded", "Unhealthy")
    on_tick = [time for time in checks if time > 1]
    lead = -on_tick[0] % recording.period if on_tick else 0
    monkeypatch.setattr("tcp_probe.kubelet.state_machine.TICKER_LEAD", lead)
    chance = RecordedChance(recording)
    simulation = chance.simulation = recording.simulate(chance)
    recorded = recording.happenings()
    simulated = compared(list(simulation.run(recorded[-1].time + 0.2)))
    assert [each.what for each in simulated] == [each.what for each in recorded]
    for ours, theirs in zip(simulated, recorded, strict=True):
        assert abs(ours.time - theirs.time) <= 0.2, (ours, theirs)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_seed_tells_the_recorded_story(name: str, tmp_path: Path) -> None:
    """Left to its own chance, all but readiness comes in the recorded order.

    Within one period, and after a back-off within 15 s, each counted from the back-off before.
    """
    recording = Recording(name, tmp_path)

    def story(happenings: list[Happening]) -> list[Happening]:
        return [each for each in happenings if not each.what.startswith("Readiness")]

    recorded = story(recording.happenings())
    simulated = story(compared(list(recording.simulate(DEFAULT_SEED).run(recorded[-1].time + 60))))
    shift = 0.0
    backed_off = False
    for ours, theirs in zip(simulated, recorded, strict=False):
        assert ours.what == theirs.what, (ours, theirs)
        late = ours.time - theirs.time - shift
        if backed_off and ours.what.startswith("Started"):
            assert abs(late) <= 15, (ours, theirs)
            shift += late
        else:
            assert abs(late) <= recording.period, (ours, theirs)
        backed_off = ours.what.startswith("Back-off")
    assert len(simulated) >= len(recorded)


def test_a_published_table_is_explained() -> None:
    """`kubectl get pod -w` of a wrong port, as somebody published it, comes out for some seed.

    It shows when the container was restarted, backed off and running again, counted from the
    creation of the pod, which a rehearsal does not play: the first restart is the common point.
    """
    published = [
        (12, "Started"),
        (21, "Started"),
        (31, "Started"),
        (42, "BackOff"),
        (70, "Started"),
        (82, "Started"),
        (92, "BackOff"),
        (173, "Started"),
        (186, "BackOff"),
    ]
    probe = Probe("liveness", period=5, timeout=1, initial_delay=3, failure_threshold=2)
    container = Container("app", (probe,))

    def table(seed: int) -> list[tuple[float, str]]:
        simulation = Simulation(
            container, {"liveness": HttpGet(8081)}, WorkerScript(port=8080), seed=seed
        )
        rows = []
        for event in simulation.run(220):
            if event.reason == "Started" and event.restarts:
                rows.append((event.time, "Started"))
            elif event.reason == "BackOff" and rows[-1][1] != "BackOff":
                rows.append((event.time, "BackOff"))
        return rows[: len(published)]

    def explains(rows: list[tuple[float, str]]) -> bool:
        shift = published[0][0] - rows[0][0]
        return [what for _, what in rows] == [what for _, what in published] and all(
            abs(time + shift - shown) <= probe.period
            for (time, _), (shown, _) in zip(rows, published, strict=True)
        )

    assert any(explains(table(seed)) for seed in range(100))

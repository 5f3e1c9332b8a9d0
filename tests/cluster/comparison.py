"""Compares what a cluster did with what a rehearsal and explain say of the same pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tcp_probe.explain.timing import Timing
from tcp_probe.kubelet.back_off import latest_end
from tcp_probe.kubelet.prober import ProbeKind
from tcp_probe.kubelet.steps import Event
from tcp_probe.kubelet.versions import Rules, parse
from tcp_probe.manifest.workload import Workload
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import parse as script_of

Item = dict[str, Any]
# So late (s) may be told of an event, beside what kubelet itself takes.
TOLD_WITHIN = 1.0
# So long (s) an image may take from the start of its container to that of the worker.
BOOTS_WITHIN = 3.0
KEPT = ("Started", "Killing", "Unhealthy", "BackOff")


@dataclass(frozen=True)
class Happening:
    """What is compared of an event: `what` exactly, `time` within a tolerance."""

    time: float
    what: str


def rules_of(recorded_from: str) -> Rules:
    """Return the rules of the kubelet that was recorded; the newest known for a newer one."""
    version = recorded_from.partition("kubelet ")[2].partition(",")[0]
    try:
        return Rules(parse(version.partition("+")[0].partition("-")[0]))
    except ValueError:
        return Rules()


def differences(recording: Item, workload: Workload) -> list[str]:
    """Say where the rehearsal told another story: another order, or the same one at other times.

    A kill may be off by one period, the start after a back-off by what that kubelet's rule allows.
    """
    rules = rules_of(recording["recorded_from"])
    thresholds = {each.kind: each.failure_threshold for each in workload.container.probes}
    theirs = _fatal(_recorded(recording["events"]), thresholds)
    simulation = Simulation.of(workload, script_of(recording["worker"]), rules=rules)
    ours = _fatal(_simulated(simulation.run(theirs[-1].time + 60)), thresholds)
    period = max((probe.period for probe in workload.container.probes), default=1)
    found = []
    shift, allowed = 0.0, float(period)
    for at, happening in enumerate(theirs):
        if at >= len(ours) or ours[at].what != happening.what:
            told = ours[at].what if at < len(ours) else "nothing"
            found.append(f"{happening.time:.1f} s: {happening.what}; rehearsed: {told}")
            break
        late = happening.time - ours[at].time - shift
        if abs(late) > allowed + TOLD_WITHIN:
            found.append(f"{happening.time:.1f} s: {happening.what}: {late:+.1f} s")
        if happening.what.startswith("BackOff"):
            delay = float(happening.what.split()[1])
            allowed = period + latest_end(delay, rules) - delay
        elif happening.what == "Started":
            # What comes after a restart is counted from it.
            shift, allowed = shift + late, float(period)
    return found


def fault_span(workload: Workload, worker: str) -> tuple[float, float] | None:
    """Return when, by explain's figures, the first kill is to come; None where there is no fault.

    In seconds from the start of the container.
    """
    script = script_of(worker)
    timing = Timing(workload.container, workload.handlers)
    closes = float(worker.partition("close=")[2].partition(",")[0] or "inf")
    if closes < float("inf"):
        sigterm = timing.refusal().sigterm
        return (closes + sigterm.least, closes + sigterm.most) if sigterm else None
    if script.hang < float("inf"):
        sigterm = timing.standstill().sigterm
        return (script.hang + sigterm.least, script.hang + sigterm.most) if sigterm else None
    return None


def first_kill(recording: Item) -> float:
    """Return when the first kill came."""
    return next(
        float(event["time"]) for event in recording["events"] if event["reason"] == "Killing"
    )


def _fatal(happenings: list[Happening], thresholds: Mapping[ProbeKind, int]) -> list[Happening]:
    """Keep of the failed checks those that led to a kill.

    How many fail while a worker starts depends on the node and on the phase of the probes.
    """
    kept: list[Happening] = []
    failures: list[Happening] = []
    for each in happenings:
        if each.what.endswith(" failed"):
            failures.append(each)
            continue
        if each.what == "Killing":
            last = failures[-1].what if failures else ""
            alike = [failure for failure in failures if failure.what == last]
            threshold = next((n for kind, n in thresholds.items() if last == f"{kind} failed"), 0)
            kept += alike[-threshold:] if threshold else []
        failures = []
        kept.append(each)
    return kept


def _recorded(events: list[Item]) -> list[Happening]:
    told: list[Happening] = []
    for event in events:
        delay = _seconds(event["detail"]) if event["reason"] == "BackOff" else 0
        _tell(told, float(event["time"]), event["reason"], event.get("probe", ""), delay)
    return told


def _simulated(events: Iterable[Event]) -> list[Happening]:
    told: list[Happening] = []
    for event in events:
        probe = event.message.partition(" ")[0].lower()
        _tell(told, event.time, event.reason, probe, event.delay or 0)
    return told


def _tell(told: list[Happening], time: float, reason: str, probe: str, delay: float) -> None:
    what = {"Unhealthy": f"{probe} failed", "BackOff": f"BackOff {delay:g}"}.get(reason, reason)
    # Readiness is also checked by chance, and a back-off is told again at every look.
    repeats = what.startswith("BackOff") and told[-1].what == what
    if reason in KEPT and what != "readiness failed" and not repeats:
        told.append(Happening(time, what))


def _seconds(duration: str) -> float:
    minutes, _, seconds = duration.rpartition("m")
    return 60 * float(minutes or 0) + float(seconds.removesuffix("s"))

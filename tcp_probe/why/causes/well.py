"""Nothing is wrong, or nothing can be told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tcp_probe.diagnosis import fixes
from tcp_probe.why.causes.whole_pod import status_of
from tcp_probe.why.events import total
from tcp_probe.why.kills import none_could
from tcp_probe.why.verdict import Verdict
from tcp_probe.why.words import between, counted, day, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcp_probe.why.case import Case
    from tcp_probe.why.causes.whole_pod import PodCase

# A restart so long ago, and well since, is history.
LONG_AGO = timedelta(days=1)


def long_ago(case: Case) -> bool:
    """Whether it has been well for so long that its last end is history."""
    since = case.container.running_since
    well = case.container.running and case.container.ready
    return bool(well and since and case.now and case.now - since > LONG_AGO)


def well(case: PodCase, cases: list[Case], history: list[Verdict]) -> Verdict:
    """Say that a pod is well, and what is worth knowing all the same."""
    pod = case.pod
    restarts = sum(container.restarts for container in pod.containers)
    last = max((verdict.last for verdict in history if verdict.last), default=None)
    evidence = [f"pod: phase {pod.phase or 'unknown'}, {counted(restarts, 'restart')}"]
    evidence += [f"pod: before: {verdict.summary}" for verdict in history]
    evidence += [line for each in cases for line in _notes(each)]
    if pod.phase == "Succeeded":
        summary = "nothing is wrong: it ended with 0, as it is meant to"
    elif history and last:
        summary = f"well since its last restart, at {day(last)}: {history[0].summary}"
    else:
        summary = f"nothing is wrong: it runs{_ready(case)}"
    doubts = list(_doubts(case, cases))
    evidence += doubts
    return Verdict(
        "none",
        "likely" if doubts else "certain",
        summary,
        tuple(evidence),
        fixes.NONE,
        restarts=restarts,
        last=last,
    )


def _ready(case: PodCase) -> str:
    ready = case.pod.conditions.get("Ready", {}).get("status") == "True"
    return " and is ready" if ready else ""


def _notes(case: Case) -> list[str]:
    """Say what kubelet met that is no fault: failures below the threshold, redirects."""
    notes = []
    for kind, probe in case.container.probes.items():
        if case.events is None:
            continue
        failed = case.events.reports(kind)
        if failed:
            first = min((event.first for event in failed if event.first), default=None)
            when = f"Unhealthy{times(total(failed))}, {between(first, failed[-1].last)}"
            notes.append(
                f"event: {when}: the {kind} probe of {case.container.name} failed; "
                f"{probe.threshold} in a row would count"
            )
        notes += [
            f"{event}: the {kind} probe ends at a redirect that is not followed: it passes"
            for event in case.events.reports(kind, "warning")[-1:]
        ]
    return notes


def _doubts(case: PodCase, cases: list[Case]) -> Iterator[str]:
    """Say what could be wrong, and would not be seen in what was read."""
    if case.events is None:
        yield "pod: without events a probe that counts for nothing would not be seen"
    pod_is_over = case.pod.phase == "Succeeded"
    for each in cases:
        container = each.container
        if container.running and each.current is None:
            yield f"pod: without the log of {container.name} a child that is killed is not seen"
        liveness = container.probes.get("liveness")
        if container.running and liveness and liveness.handler in {"exec", "httpGet"}:
            yield f"spec: of errors of its {liveness.handler} probe only events tell, if not lost"
        over = container.ended or pod_is_over
        death = each.death if over and container.role == "app" else None
        if death and not none_could(each, death):
            yield f"spec: a probe can have ended {container.name} with 0 as well"


def unknown(case: PodCase) -> Verdict:
    """Say that it cannot be told, and what would tell."""
    pod = case.pod
    events = case.events is not None
    waits = [
        f"pod: {each.name} waits: {': '.join(part for part in each.waiting if part)}"
        for each in pod.containers
        if each.waiting[0]
    ]
    tell = "its events (kubectl describe pod)" if not events else "its log, and that of its node"
    return Verdict(
        "unknown",
        "possible",
        "it cannot be told from what is left",
        (status_of(case), *waits),
        f"What would tell: {tell}.",
        restarts=sum(container.restarts for container in pod.containers),
    )

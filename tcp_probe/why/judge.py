"""From evidence to verdicts: which rules are asked, in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tcp_probe.diagnosis.log import log_of

from .case import Case
from .causes import blind, cannot_start, ended, killed, not_begun, not_ready, well, whole_pod
from .causes.image import image
from .causes.whole_pod import PodCase
from .clean import mask_of
from .events import Events
from .pod import Pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from .events import Event
    from .pod import Container
    from .verdict import Verdict

# The first that answers has it: from what the API states to what remains.
_POD: tuple[Callable[[PodCase], Verdict | None], ...] = (
    whole_pod.evicted,
    whole_pod.deadline,
    whole_pod.node,
    whole_pod.deleted,
    not_begun.unschedulable,
    not_begun.volume,
    not_begun.sandbox,
)
_CONTAINER: tuple[Callable[[Case], Verdict | None], ...] = (
    image,
    cannot_start.config,
    cannot_start.start,
    cannot_start.hook,
    ended.oom,
    ended.replaced,
    ended.sandbox_changed,
    ended.node_lost,
    ended.restarted_with_others,
    killed.killed,
    ended.ended_by_signal,
    ended.exited,
    ended.completed,
    cannot_start.waits,
    cannot_start.initializing,
    ended.forgotten,
)
# Of a debug container only that it cannot start is worth a word.
_EPHEMERAL = _CONTAINER[:2]
_PRESENT: tuple[Callable[[Case], Verdict | None], ...] = (blind.blind, ended.oom_child)
_ROLES = ("app", "sidecar", "init", "ephemeral")
# A container that has run for so long without being ready is not just starting again.
_STILL_STARTING = 600.0


@dataclass(frozen=True)
class Evidence:
    """What is known of one pod.

    `events` is None where they could not be read. `logs` are by container and whether it is the
    one before the present one. `container` names the only one to look at, if any, `source` the file
    with the pod.
    """

    pod: Any
    events: Sequence[Event] | None = None
    logs: Mapping[tuple[str, bool], str] = field(default_factory=dict)
    now: datetime | None = None
    container: str | None = None
    source: str = ""


def judge(evidence: Evidence) -> list[Verdict]:
    """Return the verdicts on a pod, most important first; at least one."""
    pod = Pod(evidence.pod)
    events = None
    if evidence.events is not None:
        events = Events([event for event in evidence.events if event.concerns(pod)])
    mask = mask_of(evidence.pod)
    case = PodCase(pod, events, evidence.now)
    return [verdict.masked(mask) for verdict in _judge(case, evidence)]


def _judge(case: PodCase, evidence: Evidence) -> list[Verdict]:
    for rule in _POD:
        if verdict := rule(case):
            return [verdict, *_before(case, verdict, evidence)]
    cases = _cases(case, evidence)
    verdicts: list[Verdict] = []
    history: list[Verdict] = []
    for each in sorted(cases, key=lambda each: _ROLES.index(each.container.role)):
        found = list(_verdicts(each))
        (history if well.long_ago(each) else verdicts).extend(found)
    if verdicts:
        return sorted(verdicts, key=_weight)
    if pod := whole_pod.gated(case) or whole_pod.stopping(case):
        return [pod]
    if _is_well(case.pod, [each.container for each in cases]):
        return [well.well(case, cases, history)]
    return [well.unknown(case)]


def _cases(case: PodCase, evidence: Evidence) -> list[Case]:
    return [
        Case(
            case.pod,
            container,
            case.events,
            log_of(evidence.logs.get((container.name, False))),
            log_of(evidence.logs.get((container.name, True))),
            evidence.now,
            evidence.source,
        )
        for container in case.pod.containers
        if evidence.container in (None, container.name)
    ]


def _before(case: PodCase, verdict: Verdict, evidence: Evidence) -> list[Verdict]:
    """Return why its containers were restarted before the pod was deleted."""
    if verdict.cause != "deleted":
        return []
    restarted = [each for each in _cases(case, evidence) if each.container.restarts]
    return [past for each in restarted for past in _verdicts(each) if past.last]


def _verdicts(case: Case) -> Iterator[Verdict]:
    """Return how the container is now, and how it ended last."""
    container = case.container
    if container.role == "sidecar" and case.pod.phase in {"Succeeded", "Failed"}:
        return  # kubelet ended it, after the others
    present = not_ready.not_ready(case)
    if present and not _starts_again(case):
        yield present
    rules = _EPHEMERAL if container.role == "ephemeral" else _CONTAINER
    past = next((found for rule in rules if (found := rule(case))), None)
    if past and not (container.role == "init" and container.ready):
        yield past
    elif present and _starts_again(case):
        yield present
    yield from (found for rule in _PRESENT if (found := rule(case)))


def _starts_again(case: Case) -> bool:
    """Whether it is not ready because it was restarted a moment ago."""
    since = case.container.running_since
    if case.death is None:
        return False
    return not (since and case.now and (case.now - since).total_seconds() > _STILL_STARTING)


def _weight(verdict: Verdict) -> tuple[bool, bool]:
    """Order verdicts: what ended a container or keeps it from starting, then the rest."""
    return verdict.cause in {"probe", "readiness", "unknown"}, verdict.cause == "signal"


def _is_well(pod: Pod, containers: list[Container]) -> bool:
    if pod.phase == "Succeeded":
        return True
    watched = [each for each in containers if each.role != "ephemeral"]
    return bool(watched) and all(map(_container_is_well, watched)) and pod.phase != "Failed"


def _container_is_well(container: Container) -> bool:
    if container.role == "init" or (container.ended and container.restart_policy != "Always"):
        return bool(container.deaths) and not container.deaths[0].code
    return container.running and container.ready

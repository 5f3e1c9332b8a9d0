"""What was read, from a cluster or a folder, and the verdicts on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .events import sorted_out
from .jobs import judge_job, said_of
from .json_fields import entries, text, time
from .judge import Evidence, judge
from .pod import Pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from .events import Event
    from .verdict import Verdict


WHY = "tcp-probe why"


@dataclass
class Reading:
    """Pods with what is known of each, what they belong to, and what could not be read."""

    pods: Sequence[Evidence] = ()
    job: Any = None
    workload: Any = None
    events: Sequence[Event] | None = None
    missing: list[str] = field(default_factory=list)
    # The command that tells more of one of the pods.
    command: Callable[[Judged], str] = lambda _: ""


@dataclass(frozen=True)
class Judged:
    """A pod and its verdicts, most important first."""

    namespace: str
    name: str
    workload: str
    verdicts: Sequence[Verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed as JSON."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "verdicts": [verdict.as_dict() for verdict in self.verdicts],
        }


def evidence_of(
    pods: Iterable[Any],
    events: Sequence[Event] | None,
    logs: Mapping[tuple[str, bool], str],
    now: datetime | None,
    container: str | None,
) -> list[Evidence]:
    """Put together what is known of each pod."""
    own = sorted_out(events or ())
    return [
        Evidence(
            pod,
            None
            if events is None
            else own(text(pod, "metadata", "uid"), text(pod, "metadata", "name")),
            logs,
            now,
            container,
        )
        for pod in pods
    ]


def judged(reading: Reading) -> list[Judged]:
    """Judge every pod; where a Job has none left, the Job."""
    if reading.job and not reading.pods:
        namespace = text(reading.job, "metadata", "namespace") or "default"
        return [
            Judged(namespace, name, f"{namespace}/{name}", [verdict])
            for name, verdict in judge_job(reading.job, reading.events)
        ]
    return [judged_pod(evidence, reading.job) for evidence in reading.pods]


def judged_pod(evidence: Evidence, job: Any = None) -> Judged:
    """Judge a pod; what its Job says of itself is evidence, too."""
    pod = Pod(evidence.pod)
    verdicts = judge(evidence)
    owners = {text(owner, "uid") for owner in entries(pod.meta, "ownerReferences")}
    if job and text(job, "metadata", "uid") in owners:
        verdicts = [
            replace(verdict, evidence=(*verdict.evidence, *said_of(job))) for verdict in verdicts
        ]
    return Judged(pod.namespace, pod.name, pod.workload, verdicts)


def newest(pods: Iterable[Any], events: Iterable[Event]) -> datetime | None:
    """Return the latest time that anything tells of: the time of a recording, about."""
    known = [event.last for event in events if event.last]
    for document in pods:
        pod = Pod(document)
        known += [
            at for each in pod.conditions.values() if (at := time(each, "lastTransitionTime"))
        ]
        for container in pod.containers:
            known += [at for at in (container.running_since,) if at]
            known += [death.finished for death in container.deaths if death.finished]
    return max(known, default=None)

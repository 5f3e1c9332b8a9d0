"""A Job whose pods are gone: what its events and its own status still tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tcp_probe.diagnosis import fixes

from .events import Events
from .json_fields import entries, mapping, text, time
from .pod import KILLING, Pod
from .told import how, which
from .verdict import Verdict
from .words import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .events import Event

_CREATED = re.compile(r"Created pod: (?P<name>\S+)")


def said_of(job: Any) -> list[str]:
    """Return what a Job says of itself, as lines of evidence."""
    name = text(job, "metadata", "name")
    return [
        f"pod: Job {name} is {text(each, 'type')} ({text(each, 'reason')}) since "
        f"{moment(time(each, 'lastTransitionTime'))}: {text(each, 'message')}"
        for each in entries(job, "status", "conditions")
        if text(each, "status") == "True" and text(each, "type") in {"Complete", "Failed"}
    ]


def pods_of(job: Any, events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return its pods that are gone, as far as its events name them: without a status."""
    uid, namespace = text(job, "metadata", "uid"), text(job, "metadata", "namespace")
    names = [
        found["name"]
        for event in events
        if event.kind == "Job" and event.uid == uid and (found := _CREATED.search(event.message))
    ]
    template = mapping(job, "spec", "template", "spec")
    return [
        {"metadata": {"name": name, "namespace": namespace}, "spec": template} for name in names
    ]


def judge_job(job: Any, events: Sequence[Event] | None) -> list[tuple[str, Verdict]]:
    """Return the verdicts on a Job without pods, with the name of the pod, or of the Job."""
    found = list(_killed(job, events or ()))
    return found or [(text(job, "metadata", "name") or "unnamed", _by_status(job, events))]


def _killed(job: Any, events: Sequence[Event]) -> Iterator[tuple[str, Verdict]]:
    from .case import Case

    for document in pods_of(job, events):
        pod = Pod(document)
        own = Events([event for event in events if event.concerns(pod)])
        for container in pod.containers:
            case = Case(pod, container, own, None, None, None)
            for kind in KILLING:
                kills = own.of(container.name).kills(kind)
                if kills and kind in container.probes:
                    check, detail, told = how(case, kind)
                    last = kills[-1]
                    verdict = case.verdict(
                        kind,
                        "likely",
                        f"killed by its {kind} probe{which(check, detail, container.probes[kind])}",
                        [*told, str(last), *said_of(job)],
                        fixes.probe_fix(kind, check, "", ""),
                        check=check,
                        last=last.last,
                    )
                    yield pod.name, verdict


def _by_status(job: Any, events: Sequence[Event] | None) -> Verdict:
    said = said_of(job)
    reasons = {text(each, "reason") for each in entries(job, "status", "conditions")}
    if "DeadlineExceeded" in reasons:
        fix = "Raise its activeDeadlineSeconds, or find out what took so long."
        return Verdict(
            "deadline", "certain", "the Job was ended: its deadline is over", tuple(said), fix
        )
    types = {
        text(each, "type")
        for each in entries(job, "status", "conditions")
        if text(each, "status") == "True"
    }
    if "Complete" in types:
        return Verdict(
            "none", "likely", "nothing is wrong: the Job is complete", tuple(said), fixes.NONE
        )
    unread = (
        "its events, for an hour" if events is None else "the log of its pods, where one is kept"
    )
    return Verdict(
        "unknown",
        "possible",
        "the Job failed, and its pods are gone: it cannot be told why",
        tuple(said),
        f"What would tell: {unread}. restartPolicy Never keeps the pods that failed.",
    )

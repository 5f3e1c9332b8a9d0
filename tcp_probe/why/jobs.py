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
from .words import code_of, moment, signal_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .events import Event

_EXIT = re.compile(
    r"Container (?P<container>\S+) for pod \S+ failed with exit code (?P<code>\d{1,9})"
)
_CREATED = re.compile(r"Created pod: (?P<name>\S+)")


def said_of(job: Any) -> list[str]:
    """Return what a Job says of itself, as lines of evidence."""
    name = text(job, "metadata", "name")
    return [
        f"pod: Job {name} is {text(each, 'type')} ({text(each, 'reason')}) since "
        f"{moment(time(each, 'lastTransitionTime'))}: {text(each, 'message')}"
        for each in entries(job, "status", "conditions")
        if text(each, "status") == "True"
        and text(each, "type") in {"Complete", "Failed", "Suspended"}
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
    holding = [each for each in entries(job, "status", "conditions") if _holds(each)]
    types = {text(each, "type") for each in holding}
    if "DeadlineExceeded" in {text(each, "reason") for each in holding}:
        fix = "Raise its activeDeadlineSeconds, or find out what took so long."
        return Verdict(
            "deadline", "certain", "the Job was ended: its deadline is over", tuple(said), fix
        )
    if exit_told := _exit_in(holding):
        return _exited(job, exit_told, said)
    well = {"Complete": "is complete", "Suspended": "is suspended, and so has no pods"}
    for type_, how_it_is in well.items():
        if type_ in types:
            summary = f"nothing is wrong: the Job {how_it_is}"
            return Verdict("none", "likely", summary, tuple(said), fixes.NONE)
    unread = (
        "its events, for an hour" if events is None else "the log of its pods, where one is kept"
    )
    summary = "the Job failed, and its pods are gone: it cannot be told why"
    if not types & {"Failed", "FailureTarget"}:
        summary = "the Job has no pods, and has neither failed nor ended"
    return Verdict(
        "unknown",
        "possible",
        summary,
        tuple(said),
        f"What would tell: {unread}. restartPolicy Never keeps the pods that failed.",
    )


def _holds(condition: Any) -> bool:
    return text(condition, "status") == "True"


def _exit_in(conditions: Sequence[Any]) -> re.Match[str] | None:
    """Find the exit code that a podFailurePolicy names as its reason to end the Job."""
    told = (_EXIT.search(text(each, "message")) for each in conditions)
    return next(filter(None, told), None)


def _exited(job: Any, told: re.Match[str], said: list[str]) -> Verdict:
    container, code = told["container"], int(told["code"])
    specs = entries(job, "spec", "template", "spec", "containers")
    probed = any(text(each, "name") == container and _can_be_killed(each) for each in specs)
    name = signal_of(code)
    return Verdict(
        "signal" if name else "exit",
        # One that a probe kills may end with any code.
        "likely" if probed or name else "certain",
        f"the Job was ended by its podFailurePolicy: {container} ended with {code_of(code)}",
        tuple(said),
        "Find out why it ended with that code, or mend the policy that ends the Job for it.",
        container=container,
    )


def _can_be_killed(container: Any) -> bool:
    return any(mapping(container, f"{kind}Probe") for kind in KILLING)

"""Evidence from a cluster: one call for pods, one for events, some for logs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from tcp_probe._bad_input import BadInput

from .events import events_of
from .json_fields import entries, find, flag, mapping, text
from .judge import Evidence
from .kubectl import Kubectl, KubectlError, Progress, at_once
from .pod import Pod
from .reading import WHY, Reading, evidence_of, judged_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .pod import Container
    from .reading import Judged

# Of many pods that fare alike, the logs of so many are read; and so many in all.
_LOGS_OF_ALIKE = 2
_LOGS_IN_ALL = 12
# What a log tells more of.
_IN_LOGS = {"liveness", "startup", "readiness", "exit", "signal", "completed", "hook"}


@dataclass(frozen=True)
class Target:
    """What is asked for: a pod, KIND/NAME, a selector, or every namespace."""

    name: str | None
    namespace: str | None = None
    selector: str | None = None
    everywhere: bool = False
    container: str | None = None
    context: str | None = None


def read_cluster(target: Target, progress: Progress) -> Reading:
    """Read what kubectl shows of the pods that are asked for.

    Raises `BadInput` where the pods cannot be read, or there are none.
    """
    kubectl = Kubectl(target.context, target.namespace)
    reading = Reading(command=partial(_command, target))
    try:
        progress.tell("pods")
        pods = _pods(kubectl, target, reading)
        progress.tell(f"events of {len(pods)} pods")
        _read_events(kubectl, target, pods, reading)
        now = datetime.now(timezone.utc)
        reading.pods = evidence_of(pods, reading.events, {}, now, target.container)
        _read_logs(kubectl, reading, progress)
    except KubectlError as error:
        raise BadInput(f"the pods cannot be read: {error}") from None
    finally:
        progress.done()
    return reading


def _command(target: Target, pod: Judged) -> str:
    more = ["--context", target.context] if target.context else []
    return shlex.join([*WHY.split(), pod.name, "-n", pod.namespace, *more])


def _pods(kubectl: Kubectl, target: Target, reading: Reading) -> list[Any]:
    kind, slash, name = (target.name or "").rpartition("/")
    if slash and kind not in {"pod", "pods", "po"}:
        selector = _selector_of(kubectl, kind, name, reading)
        found = entries(kubectl.get("pods", f"--selector={selector}"), "items")
    elif target.name:
        found = [kubectl.get("pod", name)]
    else:
        chosen = [f"--selector={target.selector}"] if target.selector else []
        chosen += ["--all-namespaces"] if target.everywhere else []
        found = entries(kubectl.get("pods", *chosen), "items")
    if target.container:
        found = [pod for pod in found if _has(pod, target.container)] or _no_container(
            found, target.container
        )
    if not found and not reading.job:
        asked = target.name or target.selector or "that namespace"
        raise BadInput(f"expected pods of {asked}, found none{_why_none(reading.workload)}")
    return found


def _why_none(workload: Any) -> str:
    """Say why a workload has no pods: it wants none, or they may not be made."""
    failed = [
        text(each, "message")
        for each in entries(workload, "status", "conditions")
        if (text(each, "type"), text(each, "status")) == ("ReplicaFailure", "True")
    ]
    if failed:
        return f": they may not be made: {failed[0]}"
    if find(workload, "spec", "replicas") == 0:
        return ": its replicas are 0"
    return ": it is suspended" if flag(workload, "spec", "suspend") else ""


def _has(pod: Any, container: str) -> bool:
    return any(each.name == container for each in Pod(pod).containers)


def _no_container(pods: Sequence[Any], container: str) -> list[Any]:
    names = sorted({each.name for pod in pods for each in Pod(pod).containers})
    raise BadInput(f"expected a container {container!r}, found {', '.join(names) or 'none'}")


def _selector_of(kubectl: Kubectl, kind: str, name: str, reading: Reading) -> str:
    """Return the labels of the pods of a workload or a Service."""
    document = kubectl.get(f"{kind}/{name}")
    found = text(document, "kind")
    reading.workload = document
    if found == "Job":
        reading.job = document
        return f"job-name={name}"
    if found == "CronJob":
        uid = text(document, "metadata", "uid")
        jobs = [
            text(job, "metadata", "name")
            for job in entries(kubectl.get("jobs"), "items")
            if uid in {text(owner, "uid") for owner in entries(job, "metadata", "ownerReferences")}
        ]
        return f"job-name in ({','.join(jobs)})" if jobs else f"job-name={name}"
    labels = mapping(document, "spec", "selector", "matchLabels")
    if found in {"Service", "ReplicationController"}:
        labels = mapping(document, "spec", "selector")
    terms = [f"{key}={value}" for key, value in labels.items()]
    terms += map(term_of, entries(document, "spec", "selector", "matchExpressions"))
    if not terms:
        raise BadInput(f"expected a kind that selects pods, got {found or kind}/{name}")
    return ",".join(terms)


def term_of(expression: Any) -> str:
    """Write an expression of a selector as kubectl takes it."""
    key, operator = text(expression, "key"), text(expression, "operator")
    values = ",".join(expression.get("values") or [])
    return {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": key,
        "DoesNotExist": f"!{key}",
    }.get(operator, key)


def _read_events(kubectl: Kubectl, target: Target, pods: Sequence[Any], reading: Reading) -> None:
    where = []
    fields = "involvedObject.kind=Pod"
    if reading.job:
        fields = ""
        where = [f"--namespace={text(reading.job, 'metadata', 'namespace')}"]
    elif len(pods) == 1:
        pod = Pod(pods[0])
        fields = f"involvedObject.uid={pod.uid}"
        where = [f"--namespace={pod.namespace}"]
    elif target.everywhere:
        where = ["--all-namespaces"]
    chosen = [f"--field-selector={fields}"] if fields else []
    try:
        reading.events = events_of(kubectl.get("events", *chosen, *where))
    except KubectlError as error:
        reading.missing.append(f"events: {error}")


def _read_logs(kubectl: Kubectl, reading: Reading, progress: Progress) -> None:
    pods = list(reading.pods)
    chosen = range(len(pods)) if len(pods) == 1 else _representatives(pods)
    wanted = [
        (index, container.name, previous)
        for index in chosen
        for container in Pod(pods[index].pod).containers
        if pods[index].container in (None, container.name)
        for previous in _logs_of(container)
    ]
    if not wanted:
        return
    progress.tell(f"{len(wanted)} logs")
    read = at_once(
        [_call(kubectl, pods[index], name, previous=before) for index, name, before in wanted]
    )
    for (index, name, previous), log in zip(wanted, read, strict=True):
        if not isinstance(log, KubectlError):
            logs = {**pods[index].logs, (name, previous): log}
            pods[index] = replace(pods[index], logs=logs)
        elif log.kind in {"forbidden", "timeout", "unreachable"}:
            said = f"logs of {name}: {log}"
            reading.missing += [said] if said not in reading.missing else []
    if len(pods) > len(set(chosen)):
        count = len({index for index, *_ in wanted})
        reading.missing.append(f"logs: those of {count} pods were read, of {len(pods)}")
    reading.pods = pods


def _call(kubectl: Kubectl, evidence: Evidence, name: str, *, previous: bool) -> Callable[[], str]:
    pod = Pod(evidence.pod)
    return partial(kubectl.log, pod.name, pod.namespace, name, previous=previous)


def _logs_of(container: Container) -> Iterator[bool]:
    """Say which of the two logs tell something: the present one, that of the container before."""
    if container.running or container.deaths:
        yield False
    if container.restarts and container.running:
        yield True


def _representatives(pods: Sequence[Evidence]) -> list[int]:
    """Choose the pods whose logs are read: a few of those that fare alike."""
    alike: dict[tuple[Any, ...], int] = {}
    chosen: list[int] = []
    for index, evidence in enumerate(pods):
        judged = judged_pod(evidence)
        keys = [
            (judged.workload, verdict.container, verdict.cause, verdict.check)
            for verdict in judged.verdicts
            if verdict.cause in _IN_LOGS and verdict.where is None
        ]
        if any(alike.get(key, 0) < _LOGS_OF_ALIKE for key in keys) and len(chosen) < _LOGS_IN_ALL:
            chosen.append(index)
        for key in keys:
            alike[key] = alike.get(key, 0) + 1
    return chosen

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tcp_probe.manifest.pods import KINDS
from tcp_probe.manifest.printable import first_of

from .container_environment import of_the_pod
from .dialled import elsewhere as asked_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tcp_probe.manifest.pods import Choice
    from tcp_probe.manifest.workload import Workload

# What a container may say and a process of this machine does not heed; and what that may hide.
OF_CONTAINERS = {
    "resources": "resources",
    "securityContext": "securityContext",
    "volumeMounts": "volumes",
    "volumeDevices": "devices",
    "workingDir": "workingDir",
}
OF_PODS = {
    "securityContext": "the pod's securityContext",
    "hostAliases": "hostAliases",
    "dnsConfig": "dnsConfig",
}


def passed_over(chosen: Workload, rehearsed: Sequence[Workload], *, virtual: bool) -> Iterator[str]:
    """Say what of the manifest a rehearsal does not heed, a line for each kind of thing.

    `rehearsed` are the containers that are run; all others of the file are named.
    """
    pod = chosen.choice.pod
    paths = [workload.choice.container.path for workload in rehearsed]
    others = [
        choice
        for choice in chosen.passed_over
        if choice.pod is not pod or choice.container.path not in paths
    ]
    # A simulation takes the time of init containers into account.
    beside = [
        choice
        for choice in others
        if choice.pod is pod and not (virtual and choice.role == "init container")
    ]
    if beside:
        names = first_of([f"{choice.role} {choice.container_name}" for choice in beside])
        hint = "one container is simulated" if virtual else "--all-containers runs the whole pod"
        yield f"not rehearsed: {names} ({hint})"
    elsewhere = [str(choice) for choice in others if choice.pod is not pod]
    if elsewhere:
        yield f"not rehearsed: {first_of(elsewhere, '; ')} (--container NAME chooses)"
    if virtual:
        if _has_deadline(chosen.choice):
            yield "not heeded here: activeDeadlineSeconds, after which the pod is ended"
        for kind, host in asked_elsewhere(chosen):
            yield f"the {kind} probe asks {host}, not the pod: simulated as if the worker answered"
        return
    for name in dict.fromkeys(name for each in rehearsed for name in _unknown(each)):
        state = "taken from this environment" if name in os.environ else "not set here"
        yield f"{name} is known to the cluster only: {state}"
    fields = [each.choice.container for each in rehearsed]
    unheeded = [text for name, text in OF_CONTAINERS.items() if any(f.get(name) for f in fields)]
    unheeded += [text for name, text in OF_PODS.items() if pod.need("spec").get(name)]
    if _has_deadline(chosen.choice):
        unheeded.append("activeDeadlineSeconds")
    given = ", ".join(["the image", *unheeded])
    yield f"not heeded here: {given}; the environment of this shell is passed on"


def _has_deadline(choice: Choice) -> bool:
    """Tell whether the pod, or the Job that it is of, may run for so long only."""
    of_the_job = choice.resource.field.find(*KINDS.get(choice.kind, ())[:-1])
    specs = (choice.pod.need("spec"), of_the_job)
    return any(spec and spec.get("activeDeadlineSeconds") for spec in specs)


def _unknown(workload: Workload) -> Iterator[str]:
    known = of_the_pod(workload, "")
    return (name for name in workload.unresolved if name not in known)

"""Rules about how a container ends, and what its hooks do."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Exec, Sleep

from .case import HOOKS
from .shell import line_of

if TYPE_CHECKING:
    from tcp_probe.manifest.fields import Field

    from .case import Case, Rule

GRACE = "terminationGracePeriodSeconds"


def tcp_hook(case: Case) -> Rule:
    """Find hooks that always fail."""
    for name in HOOKS:
        field = case.container.find("lifecycle", name, "tcpSocket")
        if field:
            reason = "kubelet has no tcpSocket hook: it fails each time"
            if name == "postStart":
                reason += ", and the container is killed, again and again"
            yield field, reason, "an exec, httpGet or sleep hook, or none"


def short_grace(case: Case) -> Rule:
    """Find too little time for a clean end."""
    sleeps = _sleeps(case)
    # Of a worker of which nothing is known it is only said where there is no time at all.
    needed = 1 if case.clean_end is None else case.clean_end
    for field, grace in _graces(case):
        rest = max(grace - sleeps, 0)
        if rest < needed:
            needs = "a clean end needs some"
            if case.clean_end is not None:
                needs = f"a clean end needs {case.clean_end:g} s"
            reason = f"{rest:g} s from SIGTERM to SIGKILL; {needs}"
            yield field, reason, _more_than(needed + sleeps)


def hook_over_grace(case: Case) -> Rule:
    """Find hooks that sleep longer than the grace of a probe, which cuts them short."""
    sleeps = _sleeps(case)
    told = f"{sleeps:g} s" if sleeps < inf else "for ever"
    for field, grace in _graces(case)[1:]:
        if sleeps > grace:
            reason = f"the preStop hook sleeps {told}, of which this leaves {grace:g} s"
            yield field, reason, _more_than(sleeps + 1)


def unwatched_hook(case: Case) -> Rule:
    """Find hooks after the start that may never end: no probe runs before they do."""
    for action in ("exec", "httpGet"):
        field = case.container.find("lifecycle", "postStart", action)
        if field and case.probes:
            reason = "no probe runs before it has ended: where it hangs, nothing restarts it"
            yield field, reason, "a hook with a timeout of its own, or the work in the worker"


def turned_into_success(case: Case) -> Rule:
    """Find workers whose hang a probe turns into success."""
    kills = [case.probes[kind] for kind in ("liveness", "startup") if kind in case.probes]
    policy = case.restart_policy
    if kills and policy != "Always" and case.workload.choice.role == "container":
        job = "Job" in case.workload.choice.kind
        reason = (
            "a worker that hangs is killed, and if it ends with 0 on SIGTERM the "
            f"{'Job counts as Complete' if job else 'Pod counts as Succeeded'}, its work undone"
        )
        fix = "end with another exit code than 0 on SIGTERM, or activeDeadlineSeconds instead"
        yield kills[0].field, reason, fix


def _more_than(seconds: float) -> str:
    return f"{GRACE}: {ceil(seconds)} or more" if seconds < inf else "a hook that ends"


def _sleeps(case: Case) -> float:
    """Return how long the preStop hook sleeps whatever else it does."""
    hook = case.workload.pre_stop
    if isinstance(hook, Exec):
        return line_of(hook.command).sleeps
    return hook.seconds if isinstance(hook, Sleep) else 0


def _graces(case: Case) -> list[tuple[Field, float]]:
    """Return the pod's grace and those of its probes, each with the place."""
    graces: list[tuple[Field, float]] = [
        (case.spec.get(GRACE) or case.spec, case.workload.container.grace)
    ]
    graces += [
        (probed.field.need(GRACE), probed.probe.grace)
        for probed in case.probes.values()
        if probed.probe.grace is not None
    ]
    return graces

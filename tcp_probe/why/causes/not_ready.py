"""Running, and not ready."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tcp_probe.diagnosis import fixes
from tcp_probe.diagnosis.stack import Stack
from tcp_probe.why.events import total
from tcp_probe.why.json_fields import flag, number, time
from tcp_probe.why.told import how, other_port, reason_of, which
from tcp_probe.why.words import moment

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.why.case import Case
    from tcp_probe.why.pod import ProbeSpec
    from tcp_probe.why.verdict import Certainty, Verdict


def not_ready(case: Case) -> Verdict | None:
    """Tell of a readiness probe that fails, or a startup probe that has not passed yet."""
    container = case.container
    if not container.running or container.ready or container.role not in {"app", "sidecar"}:
        return None
    starting = flag(container.status, "started") is False and "startup" in container.probes
    kind: ProbeKind = "startup" if starting else "readiness"
    probe = container.probes.get(kind)
    if probe is None:
        return None
    check, detail, told = how(case, kind)
    reason = reason_of(case, probe, check)
    said = "its startup probe has not passed yet" if starting else f"not ready{_since(case)}"
    evidence = [f"pod: runs since {moment(container.running_since)}, {said}", *told]
    evidence += _flaps(case, kind)
    evidence += other_port(case, probe) if check == "refused" else []
    if reason:
        evidence.append(reason[0])
    stack = reason[1] if reason else Stack("")
    because = f": {stack.reason}" if stack.reason else ""
    certainty: Certainty = "certain" if told or reason else "likely"
    if starting:
        count = total(case.events.reports("startup")) if case.events else 0
        failed = f", {count} of {probe.threshold} failures so far" if count > 0 else ""
        said = f"still starting: its startup probe has not passed yet{failed}"
        certainty = certainty if told else "possible"
    elif not told and not reason and _is_young(case, probe):
        said, certainty = "not ready yet: it has only just started", "possible"
    else:
        said = "runs, but is not ready: its readiness probe fails"
    return case.verdict(
        kind,
        certainty,
        f"{said}{which(check, detail, probe)}{because}",
        evidence,
        fixes.probe_fix(kind, check, stack.reason, ""),
        check=check,
        where=stack.where or stack.reason or None,
        stack=tuple(stack.shortened()),
    )


def _is_young(case: Case, probe: ProbeSpec) -> bool:
    """Whether its readiness probe has hardly had the time to pass."""
    since = case.container.running_since
    takes = probe.delay + probe.period * (1 + number(probe.spec, "successThreshold", default=1))
    # Of a pod alone nobody knows when it was read.
    if since is None or case.now is None or case.events is None:
        return False
    return (case.now - since).total_seconds() <= takes + 1


def _since(case: Case) -> str:
    changed = time(case.pod.conditions.get("Ready"), "lastTransitionTime")
    return f" since {moment(changed)}" if changed else ""


def _flaps(case: Case, kind: ProbeKind) -> list[str]:
    """Say that it was ready between failures: the pod became not ready after the first of them."""
    failed = case.events.reports(kind) if case.events else []
    first = min((event.first for event in failed if event.first), default=None)
    changed = time(case.pod.conditions.get("Ready"), "lastTransitionTime")
    probe = case.container.probes[kind]
    enough = timedelta(seconds=probe.threshold * max(probe.period, probe.timeout) + 1)
    if first is None or changed is None or changed - first <= enough or case.pod.never_ready:
        return []
    return [f"event: its checks fail since {moment(first)}: it was ready in between, and flaps"]

"""Killed by a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe.diagnosis import fixes
from tcp_probe.diagnosis.stack import Stack
from tcp_probe.kubelet.looks import RELIST
from tcp_probe.why.kills import Kill, in_progress, kill_of
from tcp_probe.why.rehearsal import killed_after, rehearsal
from tcp_probe.why.told import how, other_port, reason_of, which
from tcp_probe.why.words import span

if TYPE_CHECKING:
    from tcp_probe.kubelet.recognise import Check
    from tcp_probe.why.case import Case
    from tcp_probe.why.pod import ProbeSpec
    from tcp_probe.why.verdict import Verdict

_SIGKILL = 137
# kubelet's first check of a new container comes so many seconds after its start, at most.
_FIRST_CHECK = 3.0


def killed(case: Case) -> Verdict | None:
    """Tell of a kill by its liveness or startup probe."""
    kill = (kill_of(case, case.death) if case.death else None) or in_progress(case)
    if kill is None:
        return None
    probe = case.container.probes[kill.kind]
    check, detail, told = how(case, kill.kind)
    reason = reason_of(case, probe, check)
    stack = reason[1] if reason else Stack("")
    never = _never_answered(case, probe, kill)
    evidence = [*case.ended_lines, *told, *_preceding(case), *kill.evidence]
    evidence += other_port(case, probe) if check == "refused" else []
    if never and not reason:
        evidence.append("spec: no check passed since its start, by the time that it lived")
    evidence += [reason[0]] if reason else []
    evidence += _unheard(case, kill)
    connects = check in {"refused", "timed out", None} and probe.connects
    because = stack.reason or (_never(case, probe) if never and connects else "")
    return case.verdict(
        kill.kind,
        kill.certainty,
        f"{_verb(case, kill)} by its {kill.kind} probe{which(check, detail, probe)}"
        f"{because and ': '}{because}{_aside(case, kill)}",
        evidence,
        _fix(case, kill, check, stack.reason, _slow(case, probe) if never and connects else ""),
        check=check,
        last=case.death.finished if case.death else kill.at,
        where=stack.where or stack.reason or None,
        stack=tuple(stack.shortened()),
        rehearse=rehearsal(case, kill, check, detail, never_answered=never),
    )


def _fix(case: Case, kill: Kill, check: Check | None, reason: str, slow: str) -> str:
    fix = fixes.probe_fix(kill.kind, check, reason, slow)
    return fix if reason or slow or not case.death else f"{fix} Its log: {case.log_place}"


def _verb(case: Case, kill: Kill) -> str:
    if kill.ongoing:
        return "is being killed" if case.container.running else "killed"
    return "perhaps killed" if kill.certainty == "possible" else "killed"


def _aside(case: Case, kill: Kill) -> str:
    ended = case.container.ended and case.container.restart_policy != "Always"
    if ended and not kill.ongoing and case.death and not case.death.code:
        return "; it ended with 0, and so counts as complete"
    return ""


def _preceding(case: Case) -> list[str]:
    told = case.events.reasons("FailedPreStopHook") if case.events else []
    return [
        f"{event}: the preStop hook failed, or took longer than the grace" for event in told[-1:]
    ]


def _never_answered(case: Case, probe: ProbeSpec, kill: Kill) -> bool:
    """Whether its life is as long as failures from the first check on take."""
    lived = killed_after(case, kill)
    log = case.log if case.death else case.current
    if lived is None or (log and case.container.port_of(probe) in log.answered):
        return False
    checks = probe.delay + (probe.threshold - 1) * probe.period
    return lived <= checks + min(probe.period, _FIRST_CHECK) + RELIST


def _never(case: Case, probe: ProbeSpec) -> str:
    other = other_port(case, probe)
    return other[0].partition(": ")[2] if other else "no check passed since its start"


def _slow(case: Case, probe: ProbeSpec) -> str:
    if other_port(case, probe):
        return "Let the probe ask the port that the worker listens on: by its name, in both places."
    allowed = f"the probe allows ({span(probe.soonest_kill + probe.period)})"
    longer = "raise its failureThreshold" if probe.kind == "startup" else "give it a startupProbe"
    return f"Is it the right port? Then the start takes longer than {allowed}: {longer}."


def _unheard(case: Case, kill: Kill) -> list[str]:
    if kill.certainty == "possible" or case.death is None or case.death.code != _SIGKILL:
        return []
    grace = span(case.container.grace(kill.kind))
    return [f"pod: SIGTERM was not heard: SIGKILL came after the grace of {grace}"]

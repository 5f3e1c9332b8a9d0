"""Killed by a probe, not ready by one, or with one that counts for nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.kubelet import recognise
from tcp_probe.kubelet.state_machine import RELIST
from tcp_probe.why import fixes
from tcp_probe.why.events import total
from tcp_probe.why.kills import Kill, how, kill_of, quoted
from tcp_probe.why.log import Log
from tcp_probe.why.rehearsal import rehearsal
from tcp_probe.why.stack import Stack
from tcp_probe.why.words import between, counted, moment, span, times

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.why.case import Case
    from tcp_probe.why.pod import Death, ProbeSpec
    from tcp_probe.why.verdict import Certainty, Verdict

# kubelet's first check of a new container comes so many seconds after its start, at most.
_FIRST_CHECK = 3.0
_SURE = re.compile(
    r"executable file not found|no such file|permission denied|strconv\.Atoi|no such port"
)
_STATUS = re.compile(r"statuscode: (\d+)")
_SHELLS = {"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash", "/bin/dash"}
_SLEEP = re.compile(r"(?:^|[;&|\s])(?<!exec )sleep (\d+(?:\.\d+)?)\b")


def killed(case: Case) -> Verdict | None:
    """Tell of a kill by its liveness or startup probe."""
    death = case.death
    kill = kill_of(case, death) if death else None
    if death is None or kill is None:
        return None
    check, detail, told = how(case, kill.kind)
    probe = case.container.probes[kill.kind]
    reason = _reason(case, probe, check)
    never = _never_answered(probe, death, kill, case)
    unanswered = check in {"refused", "timed out", None} and probe.handler != "exec"
    never_fix = _starts_too_slowly(case, probe, never)
    evidence = [case.ended, *told, *_preceding(case), *kill.evidence]
    evidence += _other_port(case, probe) if check == "refused" else []
    if never and not reason:
        evidence.append("spec: it never answered since its start: that fits every check failing")
    if reason:
        evidence.append(f"{reason[0]}: {reason[1].reason}")
    evidence += _unheard(case, death, kill)
    stack = reason[1] if reason else Stack("")
    because = f": {stack.reason}" if stack.reason else ""
    if unanswered and never and not because:
        other = _other_port(case, probe)
        because = (
            f": {other[0].partition(': ')[2]}" if other else ": no check passed since its start"
        )
    failed = which(check, detail, probe)
    perhaps = "perhaps " if kill.certainty == "possible" else ""
    return case.verdict(
        kill.kind,
        kill.certainty,
        f"{perhaps}killed by its {kill.kind} probe{failed}{because}{_aside(case, death)}",
        evidence,
        fixes.probe_fix(kill.kind, check, stack.reason, never_fix if unanswered else ""),
        check=check,
        where=stack.where or (stack.reason or None),
        stack=tuple(stack.shortened()),
        rehearse=rehearsal(case, kill, check, never_answered=never),
    )


def _reason(
    case: Case, probe: ProbeSpec, check: recognise.Check | None
) -> tuple[str, Stack] | None:
    """Return why the port refused, as the worker itself told it, and where it told it."""
    port = case.container.port_of(probe)
    if check not in {"refused", "timed out", None} or probe.handler not in {"tcpSocket", "httpGet"}:
        return None
    message = Log(case.message) if case.message else None
    log = case.log if case.death and probe.kind != "readiness" else case.current
    for source, words in (("pod", message), ("log", log)):
        if words and check != "timed out" and (found := words.refusal(port)):
            return source, found.stack
    if message and (dump := message.dump):
        return "pod", Stack("a thread held the GIL, or its process stood still", dump.frames)
    if log and check != "refused" and log.cannot_accept:
        return "log", Stack(f"checks cannot be accepted: {log.cannot_accept}")
    return None


def which(check: recognise.Check | None, detail: str, probe: ProbeSpec) -> str:
    """Say how the checks of a probe failed, to follow its name."""
    status = _STATUS.search(detail)
    words = {
        "refused": "refused",
        "timed out": f"no answer within {probe.timeout} s",
        "reset": "cut off without an answer",
        "status": f"HTTP status {status[1]}" if status else "a bad HTTP status",
        "command": f"its command {_failed(detail)}",
        "command timed out": f"its command took longer than {probe.timeout} s",
        "grpc": f"gRPC: {quoted('grpc', detail)}" if detail else "gRPC",
        "tls": "HTTPS, and no TLS there",
        "other": quoted("", detail),
    }
    return f" ({words[check]})" if check else ""


def _failed(detail: str) -> str:
    return f"failed: {quoted('exec', detail)}" if detail.strip() else "failed and said nothing"


def _aside(case: Case, death: Death) -> str:
    if case.container.ended and not death.code and case.container.restart_policy != "Always":
        return "; it ended with 0, and so counts as complete"
    return ""


def _preceding(case: Case) -> list[str]:
    told = case.events.reasons("FailedPreStopHook") if case.events else []
    return [
        f"{event}: the preStop hook failed, or took longer than the grace" for event in told[-1:]
    ]


def _never_answered(probe: ProbeSpec, death: Death, kill: Kill, case: Case) -> bool:
    """Whether its life is as long as failures from the first check on take."""
    end = kill.at if kill.at and death.finished and kill.at <= death.finished else death.finished
    if end is None or death.started is None:
        return False
    lived = (end - death.started).total_seconds()
    if kill.at is None and death.code == 137:  # noqa: PLR2004 (SIGKILL, after the grace)
        lived -= case.container.grace(kill.kind)
    checks = probe.delay + (probe.threshold - 1) * max(probe.period, 1)
    return lived <= checks + min(probe.period, _FIRST_CHECK) + RELIST


def _starts_too_slowly(case: Case, probe: ProbeSpec, never: bool) -> str:  # noqa: FBT001
    """Say what to change where no check passed since the start; empty where that is not so."""
    if not never:
        return ""
    if _other_port(case, probe):
        return "Let the probe ask the port that the worker listens on: by its name, in both places."
    return (
        "Is it the right port? Then the start takes longer than the probe allows, "
        f"{span(probe.soonest_kill + probe.period)}: give it a startupProbe, or a higher "
        "failureThreshold."
    )


def _other_port(case: Case, probe: ProbeSpec) -> list[str]:
    asked = case.container.port_of(probe)
    log = case.log if case.death else case.current
    answered = log.answered if log else set()
    if asked is None or asked in answered or (log and log.refusal(asked)):
        return []
    if answered:
        ports = ", ".join(map(str, sorted(answered)))
        return [f"log: the probe asks port {asked}; the worker answers on port {ports}"]
    named = sorted(port for port in case.container.ports.values() if port)
    if named and asked not in named:
        ports = ", ".join(map(str, named))
        return [f"spec: the probe asks port {asked}; the container names port {ports}"]
    return []


def _unheard(case: Case, death: Death, kill: Kill) -> list[str]:
    if death.code != 137 or kill.certainty == "possible":  # noqa: PLR2004 (SIGKILL)
        return []
    grace = span(case.container.grace(kill.kind))
    return [f"pod: SIGTERM was not heard: SIGKILL came after the grace of {grace}"]


def not_ready(case: Case) -> Verdict | None:
    """Tell of a readiness probe that fails, or a startup probe that has not passed yet."""
    container = case.container
    if not container.running or container.ready or container.role not in {"app", "sidecar"}:
        return None
    starting = container.status.get("started") is False and "startup" in container.probes
    kind: ProbeKind = "startup" if starting else "readiness"
    probe = container.probes.get(kind)
    if probe is None:
        return None
    check, detail, told = how(case, kind)
    reason = _reason(case, probe, check)
    said = "its startup probe has not passed yet" if starting else "not ready"
    evidence = [f"pod: runs since {moment(container.running_since)}, {said}", *told]
    evidence += _other_port(case, probe) if check == "refused" else []
    if reason:
        evidence.append(f"{reason[0]}: {reason[1].reason}")
    stack = reason[1] if reason else Stack("")
    because = f": {stack.reason}" if stack.reason else ""
    certainty: Certainty = "certain" if told or reason else "likely"
    if starting:
        count = total(case.events.reports("startup")) if case.events else 0
        failed = f", {count} of {probe.threshold} failures so far" if count > 0 else ""
        said = f"still starting: its startup probe has not passed yet{failed}"
        certainty = certainty if told else "possible"
    else:
        said = "runs, but is not ready: its readiness probe fails"
    return case.verdict(
        kind,
        certainty,
        f"{said}{which(check, detail, probe)}{because}",
        evidence,
        fixes.probe_fix(kind, check, stack.reason, ""),
        check=check,
        where=stack.where or (stack.reason or None),
        stack=tuple(stack.shortened()),
    )


def blind(case: Case) -> Verdict | None:
    """Tell of a probe that counts for nothing: what it asks cannot be asked."""
    for kind, probe in case.container.probes.items():
        if found := _unnamed(case, probe) or _errored(case, probe) or _outlives(case, probe):
            certainty, why, evidence, fix = found
            then = (
                "the liveness probe sees nothing"
                if kind == "liveness"
                else f"the {kind} probe can never pass"
            )
            return case.verdict("probe", certainty, f"{then}: {why}", evidence, fix)
    return None


Found = tuple["Certainty", str, list[str], str]


def _unnamed(case: Case, probe: ProbeSpec) -> Found | None:
    if not isinstance(probe.port, str) or not probe.port or case.container.port_of(probe):
        return None
    names = ", ".join(name for name in case.container.ports if name) or "none"
    return (
        "certain",
        f"it asks the port {probe.port!r}, and the container has no port of that name",
        [
            f"spec: {probe.kind}Probe: port {probe.port!r}; the container's ports are: {names}",
            *_reports(case, probe)[0],
        ],
        "Give the containerPort that name, or mend the name in the probe.",
    )


def _reports(case: Case, probe: ProbeSpec) -> tuple[list[str], int, str]:
    told = case.events.reports(probe.kind, "errored") if case.events else []
    told = [event for event in told if event.report and not event.report.races]
    if not told:
        return [], 0, ""
    first = min((event.first for event in told if event.first), default=None)
    detail = told[-1].report.detail if told[-1].report else ""
    count = total(told)
    when = between(first, told[-1].last)
    line = f"event: Unhealthy{times(count)}, {when}: {probe.kind} probe errored: {_root(detail)}"
    return [line], count, detail


def _errored(case: Case, probe: ProbeSpec) -> Found | None:
    lines, count, detail = _reports(case, probe)
    failed = total(case.events.reports(probe.kind)) if case.events else 0
    sure = bool(_SURE.search(detail))
    if not lines or count <= failed or (not sure and count < probe.threshold):
        return None
    if "while reading body" in detail:
        fix = "Let the page end: its headers come, its body does not. Or raise timeoutSeconds."
        return "certain", "its checks error, and so do not count: a page's body stalls", lines, fix
    fix = "Give the probe a command that the image has: an errored check counts for nothing."
    why = f"its checks error, and so do not count: {_root(detail)}"
    return "certain", why, lines, fix if probe.handler == "exec" else "Mend what the event says."


def _root(detail: str) -> str:
    found = re.search(r'exec: "[^"]*": .*?(?=: unknown|$)', detail)
    return found[0] if found else quoted("", detail)


def _outlives(case: Case, probe: ProbeSpec) -> Found | None:
    """Find a shell whose child keeps the output open: the runtime waits for that one, for ever."""
    command = probe.command
    if len(command) < 3 or command[0] not in _SHELLS or command[1] != "-c":  # noqa: PLR2004
        return None
    sleeps = [float(each) for each in _SLEEP.findall(command[2])]
    failed = case.events.reports(probe.kind) if case.events else []
    if not sleeps or max(sleeps) < probe.timeout or failed or case.container.restarts:
        return None
    return (
        "possible",
        f"its shell sleeps for longer than its timeout ({probe.timeout} s), yet no check failed",
        [
            f"spec: {probe.kind}Probe: a command in {command[0]} sleeps for {span(max(sleeps))}",
            f"pod: {counted(case.container.restarts, 'restart')}",
        ],
        "Put exec before the shell's last command: kubelet waits for a child that outlives it.",
    )

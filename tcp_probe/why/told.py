"""How the checks of a probe failed, and why the port refused, as kubelet and the worker told it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.diagnosis.log import Log
from tcp_probe.diagnosis.stack import Stack
from tcp_probe.kubelet import recognise

from .events import total
from .words import between, times

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind

    from .case import Case
    from .events import Event
    from .pod import ProbeSpec

_LONGEST = 160
_STATUS = re.compile(r"statuscode: (\d+)")


def how(case: Case, kind: ProbeKind) -> tuple[recognise.Check | None, str, list[str]]:
    """Return how the checks of a probe failed, in kubelet's words, and the evidence for it."""
    probe = case.container.probes.get(kind)
    handler = probe.handler if probe else ""
    reports = case.events.reports(kind) if case.events else []
    told: dict[recognise.Check, list[Event]] = {}
    for event in reports:
        told.setdefault(recognise.check(handler, event.detail), []).append(event)
    if told:
        check = max(told, key=lambda each: total(told[each]))
        latest = told[check][-1]
        first = min((event.first for event in told[check] if event.first), default=None)
        count = times(total(told[check]))
        shown = quoted(handler, latest.detail)
        line = f"event: Unhealthy{count}, {between(first, latest.last)}: {kind} probe: {shown}"
        others = [f"{each}{times(total(told[each]))}" for each in told if each != check]
        return check, latest.detail, [line, *(f"event: also: {other}" for other in others)]
    log = case.current if kind == "readiness" or case.death is None else case.log
    port = case.container.port_of(probe) if probe else None
    if log and probe and probe.connects and port:
        if log.cannot_accept:
            return "timed out", "", []
        if log.refusal(port):
            return "refused", "", []
    return ("grpc" if handler == "grpc" else None), "", []


def quoted(handler: str, detail: str) -> str:
    """Shorten what a check said: the output of a command is quoted by its first line."""
    if detail.startswith(("command timed out", 'command "')):
        command, _, rest = detail.partition('" timed out')
        words = command.partition('"')[2].split()
        return f'command timed out: "{words[0] if words else ""} ..." timed out{rest}'
    lines = [line for line in detail.splitlines() if line.strip()]
    if not lines:
        return "the command failed and said nothing" if handler == "exec" else "nothing was said"
    more = " ..." if len(lines) > 1 else ""
    said = lines[0].strip()
    return f"{said[:_LONGEST]}{'...' if len(said) > _LONGEST else more}"


def reason_of(
    case: Case, probe: ProbeSpec, check: recognise.Check | None
) -> tuple[str, Stack] | None:
    """Return why the port refused, as the worker itself told it: a line of evidence, the stack."""
    if check not in {"refused", "timed out", None} or not probe.connects:
        return None
    return _in_message(case, probe, check) or _in_log(case, probe, check)


def _in_message(
    case: Case, probe: ProbeSpec, check: recognise.Check | None
) -> tuple[str, Stack] | None:
    """Look into the termination message, which is read once the container has ended."""
    message = Log(case.message)
    found = message.refusal(case.container.port_of(probe))
    if found and check != "timed out":
        return f"pod: its termination message: {found}", found.stack
    if message.dump:
        held = Stack("no Python code ran, a thread held the GIL", message.dump.frames)
        return "pod: its termination message has the stacks of a process that stood still", held
    return None


def _in_log(
    case: Case, probe: ProbeSpec, check: recognise.Check | None
) -> tuple[str, Stack] | None:
    log = case.log if case.death and probe.kind != "readiness" else case.current
    if log is None:
        return None
    if check != "timed out" and (found := log.refusal(case.container.port_of(probe))):
        return f"log: {found}", found.stack
    if check != "refused" and log.cannot_accept:
        reason = f"checks cannot be accepted: {log.cannot_accept}"
        return f"log: {reason}", Stack(reason)
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


def other_port(case: Case, probe: ProbeSpec) -> list[str]:
    """Say that the worker listens on another port than the one asked, as far as that is known."""
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

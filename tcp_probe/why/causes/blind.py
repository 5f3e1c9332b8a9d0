"""A probe that counts for nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.why.events import total
from tcp_probe.why.told import quoted
from tcp_probe.why.words import between, counted, span, times

if TYPE_CHECKING:
    from tcp_probe.why.case import Case
    from tcp_probe.why.pod import ProbeSpec
    from tcp_probe.why.verdict import Certainty, Verdict

_SURE = re.compile(r"executable file not found|no such file|permission denied|strconv\.Atoi")
_SHELLS = {"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash", "/bin/dash"}
_SLEEP = re.compile(r"(?:^|[;&|\s])(?<!exec )sleep (\d+(?:\.\d+)?)\b")


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
    detail = told[-1].detail
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

from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe.diagnosis.fixes import CODES, COMPLETED, probe_fix
from tcp_probe.diagnosis.log import Log
from tcp_probe.kubelet.recognise import check, probe_report

if TYPE_CHECKING:
    from tcp_probe.kubelet.recognise import ProbeReport

    from .summary import Summary

NEVER_ANSWERED = (
    "Nothing has answered the liveness probe since the start: give a slow start a startupProbe "
    "that covers it, or point the probe at the port on which the worker listens."
)
ERRORED = (
    "The {kind} probe could not be made, and counts for nothing: {detail}. Mend its command or "
    "port, or install here what it needs."
)
POST_START = "Mend the postStart hook: the container is killed where it fails."
EXIT = "Mend what ends it with code {code}{reason}."
LATER = "Rehearse longer (--for): it has not become ready yet."
UNCHECKED = (
    "Rehearse for at least {seconds} s (--for {seconds}): the {kind} probe was not checked in this "
    "time, so nothing is known of it."
)
IN_POST_START = (
    "Rehearse longer (--for), or bound the postStart hook: it still runs, and no probe is "
    "checked until it ends."
)
HANGS = "Rehearse longer (--for): it stands still, and its probe has not seen that yet."


def advice(summary: Summary) -> str | None:
    """Say the one thing to change; None where nothing is wrong."""
    if not summary.exit_status:
        return None
    for kind, detail in summary.unmade.items():
        return ERRORED.format(kind=kind, detail=detail)
    unready = summary.ready_after is None or summary.unready_at_end
    failing = summary.fatal or (summary.failure if summary.failing_at_end else "")
    report = probe_report(failing or (summary.not_ready if unready else ""))
    if report:
        return _against_probe(summary, report)
    if summary.post_start_failed:
        return POST_START
    if summary.exit_code is not None:
        return _against_exit(summary.exit_code, summary.log)
    return _against_shortness(summary)


def _against_shortness(summary: Summary) -> str:
    if summary.in_post_start:
        return IN_POST_START
    if summary.hangs_at_end:
        return HANGS
    # Of a container that was never started nothing is known of when.
    known = summary.checked_within
    within = {kind: known[kind] for kind in summary.unchecked if kind in known}
    if not within:
        return LATER
    kind = max(within, key=lambda kind: within[kind])
    return UNCHECKED.format(kind=kind, seconds=within[kind])


def _against_probe(summary: Summary, report: ProbeReport) -> str:
    told = summary.remarks[-1] if summary.remarks else ""
    refusal = Log(summary.fatal_log if summary.fatal else summary.log).refusal(None)
    reason = refusal.reason if refusal else ""
    seen = check(summary.probes.get(report.kind, ""), report.detail)
    silent = report.kind == "liveness" and not summary.ever_passed("liveness")
    if silent and not reason and seen in {"refused", "timed out"}:
        told = told or NEVER_ANSWERED
    return probe_fix(report.kind, seen, reason, told)


def _against_exit(code: int, log: str) -> str:
    if code == 0:
        return COMPLETED
    ended = Log(log).failure
    reason = f": {ended.reason}" if ended and ended.reason else ""
    return CODES.get(code, EXIT.format(code=code, reason=reason))

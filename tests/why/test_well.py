from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 10}}
REFUSED = "dial tcp 10.0.0.1:9090: connect: connection refused"


def test_what_is_no_fault_is_noted(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Failures below the threshold, and redirects that count as passed."""
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}")
    warned = event("ProbeWarning", "Liveness probe warning: Probe terminated redirects")
    (verdict,) = verdicts(pod(container=LIVENESS), [failed, warned], "")
    assert (verdict.cause, verdict.certainty) == ("none", "certain")
    assert any("3 in a row would count" in line for line in verdict.evidence)
    assert any("redirect" in line for line in verdict.evidence)


def test_without_events_or_logs_it_is_less_sure_that_a_pod_is_well(pod: Pod, said: Said) -> None:
    """A probe that errors, or a child that is killed, would not be seen."""
    exec_probe = {"livenessProbe": {"exec": {"command": ["true"]}}}
    assert said(pod(), [], "")[1] == "certain"
    assert said(pod(), None, "")[1] == "likely"
    assert said(pod(), [])[1] == "likely"
    assert said(pod(container=exec_probe), [], "")[1] == "likely"

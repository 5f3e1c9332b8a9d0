from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
TCP = {"tcpSocket": {"port": 9090}, "periodSeconds": 10, "failureThreshold": 3}
READINESS = {"readinessProbe": TCP}
REFUSED = "dial tcp 10.0.0.1:9090: connect: connection refused"
STARTUP = {"startupProbe": {**TCP, "failureThreshold": 4}}


def test_a_readiness_probe_that_fails_is_told(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Certain with an event, likely without; it is not ready, and that is all."""
    made = pod(ready=False, container=READINESS)
    failed = event("Unhealthy", f"Readiness probe failed: {REFUSED}", count=9)
    (verdict,) = verdicts(made, [failed])
    assert (verdict.cause, verdict.check, verdict.certainty) == ("readiness", "refused", "certain")
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.check, verdict.certainty) == ("readiness", None, "likely")


def test_a_container_that_has_just_started_may_become_ready(
    pod: Pod, event: Make, said: Said, verdicts: Verdicts, later: Callable[[float], Any]
) -> None:
    """Its probe has hardly had the time to pass; a failure is one all the same."""
    made = pod(ready=False, container=READINESS)
    (verdict,) = verdicts(made, [], now=later(15))
    assert (verdict.cause, verdict.check, verdict.certainty) == ("readiness", None, "possible")
    (verdict,) = verdicts(made, [], now=later(90))
    assert (verdict.cause, verdict.check, verdict.certainty) == ("readiness", None, "likely")
    failed = event("Unhealthy", f"Readiness probe failed: {REFUSED}", 10)
    assert said(made, [failed], now=later(15))[1] == "certain"


def test_a_readiness_that_flaps_is_told(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """It became not ready long after the first failure, so it was ready in between."""
    made = pod(ready=False, container={"readinessProbe": {**TCP, "periodSeconds": 1}})
    made["status"]["conditions"][1]["lastTransitionTime"] = "2026-11-24T08:01:00Z"
    failed = event("Unhealthy", f"Readiness probe failed: {REFUSED}", 70, first=10, count=9)
    flaps = "event: its checks fail since 08:00:10: it was ready in between, and flaps"
    assert flaps in verdicts(made, [failed])[0].evidence
    failed["firstTimestamp"] = "2026-11-24T08:00:58Z"
    assert not any("flaps" in line for line in verdicts(made, [failed])[0].evidence)


def test_the_reason_of_a_readiness_port_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """From the log of the container that runs."""
    log = """\
port 9090 refuses checks: the condition raised RuntimeError('no key')
Traceback (most recent call last):
  File "/app/worker.py", line 7, in ready
    raise RuntimeError("no key")
RuntimeError: no key
"""
    (verdict,) = verdicts(pod(ready=False, container=READINESS), None, log)
    assert (verdict.check, verdict.certainty) == ("refused", "certain")
    assert verdict.where == "/app/worker.py:7 in ready"


def test_a_container_that_is_not_ready_for_no_probe_is_unknown(
    pod: Pod, verdicts: Verdicts
) -> None:
    """It says what would tell."""
    (verdict,) = verdicts(pod(ready=False))
    assert (verdict.cause, verdict.certainty) == ("unknown", "possible")
    assert "its events" in verdict.fix
    assert "its log" in verdicts(pod(ready=False), [])[0].fix


def test_a_start_that_is_not_over_is_told(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """With the failures so far; without any it may just take its time."""
    made = pod(ready=False, container=STARTUP)
    made["status"]["containerStatuses"][0]["started"] = False
    failed = event("Unhealthy", f"Startup probe failed: {REFUSED}", count=2)
    (verdict,) = verdicts(made, [failed])
    assert (verdict.cause, verdict.certainty) == ("startup", "certain")
    assert "2 of 4 failures so far" in verdict.summary
    (verdict,) = verdicts(made, [])
    assert (verdict.cause, verdict.check, verdict.certainty) == ("startup", None, "possible")


def test_a_restart_counts_more_than_not_being_ready_yet(
    pod: Pod, ended: Make, verdicts: Verdicts, later: Callable[[float], Any]
) -> None:
    """Ten minutes later not being ready is a trouble of its own."""
    state = {"running": {"startedAt": "2026-11-24T08:01:00Z"}}
    made = pod(state, ended(1), restarts=1, ready=False, container=READINESS)
    assert [each.cause for each in verdicts(made, now=later(90))] == ["exit"]
    assert [each.cause for each in verdicts(made)] == ["exit"]
    assert [each.cause for each in verdicts(made, now=later(900))] == ["exit", "readiness"]


def test_an_end_that_is_no_fault_leaves_the_readiness(pod: Pod, ended: Make, said: Said) -> None:
    """It ended with 0 under OnFailure, was started again by hand, and is not ready."""
    spec = {"restartPolicy": "OnFailure"}
    made = pod(last=ended(0), ready=False, container=READINESS, spec=spec)
    assert said(made)[0] == "readiness"


def test_troubles_of_several_containers_are_all_told(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """What ended one stands before what is not ready."""
    made = pod(ready=False, container=READINESS)
    made["spec"]["containers"].append({"name": "side"})
    crashed = {"name": "side", "restartCount": 2, "state": CRASHING, "lastState": ended(1)}
    made["status"]["containerStatuses"].append(crashed)
    found = [(each.container, each.cause) for each in verdicts(made)]
    assert found == [("side", "exit"), ("app", "readiness")]
    assert [each.container for each in verdicts(made, container="app")] == ["app"]

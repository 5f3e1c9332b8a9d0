from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
TCP = {"tcpSocket": {"port": 9090}, "periodSeconds": 10, "failureThreshold": 3}
LIVENESS = {"livenessProbe": TCP}
HTTP = {"httpGet": {"path": "/", "port": 80}}
EXEC = {"exec": {"command": ["a"]}}
SLOW_COMMAND = 'command timed out: "a b" timed out after 1s'
HUNG = """\
INFO tcp_probe: port 9090 answers checks
WARNING tcp_probe: port 9090 refuses checks: the event loop has not run for 10 s
the thread stands at (most recent call last):
  File "/app/worker.py", line 7, in handle
    parse(document)
  File "/usr/lib/python3.13/re/__init__.py", line 167, in match
    return _compile(pattern, flags).match(string)
INFO worker: still logging from another thread
"""


@pytest.mark.parametrize(
    ("probe", "message", "check", "words"),
    [
        (HTTP, "HTTP probe failed with statuscode: 503", "status", "503"),
        (HTTP, 'Get "http://x/": EOF', "reset", "cut off"),
        (HTTP, "stopped after 10 redirects", "other", "redirects"),
        (HTTP, "tls: first record", "tls", "no TLS"),
        (HTTP, "statuscode: ?", "status", "a bad HTTP status"),
        (EXEC, "no\nmore\n", "command", "failed: no ..."),
        (EXEC, "", "command", "failed and said nothing"),
        (EXEC, SLOW_COMMAND, "command timed out", "longer than 1 s"),
        ({"grpc": {"port": 9}}, "service unhealthy", "grpc", "gRPC: service unhealthy"),
        ({"tcpSocket": {"port": 9}}, "dial tcp: i/o timeout", "timed out", "within 1 s"),
    ],
)
def test_a_kill_tells_how_the_checks_failed(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    probe: dict[str, Any],
    message: str,
    check: str,
    words: str,
    pod: Pod,
    ended: Make,
    killed: Callable[..., Any],
    verdicts: Verdicts,
) -> None:
    """Event and end agree, so it is certain; the summary says what kubelet met."""
    made = pod(CRASHING, ended(143, start=0), restarts=2, container={"livenessProbe": probe})
    (verdict,) = verdicts(made, killed(message))
    assert (verdict.cause, verdict.check, verdict.certainty) == ("liveness", check, "certain")
    assert words in verdict.summary


def test_the_reason_and_stack_of_the_log_are_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """Of all the log nothing else is quoted."""
    made = pod(last=ended(137, start=0), restarts=1, container=LIVENESS)
    (verdict,) = verdicts(made, killed(last=31), "", HUNG)
    assert verdict.summary.endswith("(refused): the event loop has not run for 10 s")
    assert verdict.where == "/app/worker.py:7 in handle"
    assert "pod: SIGTERM was not heard: SIGKILL came after the grace of 30 s" in verdict.evidence
    assert "still logging" not in str(verdict)


def test_the_termination_message_tells_it_without_any_log(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """The reason first, then the innermost frames."""
    message = """\
port 9090 refuses checks: the event loop has not run for 10 s
the thread stands at (most recent call last):
  ...
  File "/app/worker.py", line 7, in handle
    parse(document)
"""
    made = pod(last=ended(137, start=0, message=message), restarts=1, container=LIVENESS)
    (verdict,) = verdicts(made, killed(last=31))
    assert verdict.summary.endswith("the event loop has not run for 10 s")
    assert verdict.where == "/app/worker.py:7 in handle"
    reason = "port 9090 refuses checks: the event loop has not run for 10 s"
    assert f"pod: its termination message: {reason}" in verdict.evidence


def test_a_reason_of_the_workers_own_is_told(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """It is what to mend."""
    log = "port 9090 refuses checks: the licence has expired"
    made = pod(last=ended(143, start=0), restarts=1, container=LIVENESS)
    (verdict,) = verdicts(made, None, "", log)
    assert (verdict.certainty, verdict.where) == ("likely", "the licence has expired")
    assert verdict.fix == "Mend what the worker gives as its reason."


def test_the_stack_of_a_held_gil_is_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """The interpreter's own watchdog wrote it, innermost first."""
    message = """\
Timeout (0:00:20)!
Thread 0x00007f0a (most recent call first):
  File "/usr/lib/python3.13/threading.py", line 359 in wait
Thread 0x00007f0b (most recent call first):
  File "/app/worker.py", line 7 in handle
  File "/app/worker.py", line 3 in main
"""
    made = pod(last=ended(137, start=0, message=message), restarts=1, container=LIVENESS)
    timed_out = "dial tcp 10.0.0.1:9090: i/o timeout"
    (verdict,) = verdicts(made, killed(timed_out, last=31))
    assert verdict.check == "timed out"
    assert verdict.where == "/app/worker.py:7 in handle"
    assert "GIL" in verdict.summary
    assert "nothing else runs meanwhile" in verdict.fix


def test_without_file_descriptors_checks_time_out(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """The listener says that it cannot accept."""
    log = "port 9090 cannot accept checks, and tries again every 0.1 s: [Errno 24] Too many files"
    made = pod(last=ended(143, start=0), restarts=1, container=LIVENESS)
    (verdict,) = verdicts(made, None, "", log)
    assert (verdict.check, verdict.certainty) == ("timed out", "likely")
    assert "file descriptor" in verdict.fix


def test_a_wrong_port_is_told_by_the_log_and_by_the_spec(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """The worker answers on another one, or the container names another one."""
    asks = {"livenessProbe": {**TCP, "tcpSocket": {"port": 9099}}}
    log = "port 9090 answers checks"
    made = pod(last=ended(143, start=0, end=21), restarts=1, container=asks)
    events = killed(last=21)
    assert "the worker answers on port 9090" in verdicts(made, events, "", log)[0].summary
    named = {**asks, "ports": [{"name": "live", "containerPort": 9090}]}
    made = pod(last=ended(143, start=0, end=21), restarts=1, container=named)
    (verdict,) = verdicts(made, events)
    assert "the container names port 9090" in verdict.summary
    assert "Let the probe ask the port" in verdict.fix


def test_a_start_that_is_too_slow_is_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """It lived as long as failures from the first check on take."""
    made = pod(last=ended(137, start=0, end=51), restarts=1, container=LIVENESS)
    for events in (killed(last=21), None):
        (verdict,) = verdicts(made, events)
        assert "no check passed since its start" in verdict.summary
        assert "startupProbe" in verdict.fix


def test_a_life_that_is_not_known_is_no_slow_start(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """Nothing is said that the times do not tell."""
    last = ended(143)
    del last["terminated"]["startedAt"]
    for events, certainty in ((None, "likely"), (killed(), "certain")):
        (verdict,) = verdicts(pod(last=last, restarts=1, container=LIVENESS), events)
        assert (verdict.cause, verdict.certainty) == ("liveness", certainty)
        assert "since its start" not in verdict.summary
        assert verdict.rehearse is None


def test_a_hook_that_was_cut_short_is_told(
    pod: Pod, ended: Make, event: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """It took of the grace."""
    hook = event("FailedPreStopHook", "PreStopHook failed")
    made = pod(CRASHING, ended(137, start=0), restarts=1, container=LIVENESS)
    assert any(
        "the preStop hook failed" in x for x in verdicts(made, [*killed(), hook])[0].evidence
    )


def test_checks_that_failed_in_another_way_are_told_too(
    pod: Pod, ended: Make, event: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """The most frequent one is the verdict's."""
    other = event("Unhealthy", "Liveness probe failed: dial tcp 10.0.0.1:9090: i/o timeout")
    made = pod(CRASHING, ended(137, start=0), restarts=1, container=LIVENESS)
    (verdict,) = verdicts(made, [*killed(), other])
    assert verdict.check == "refused"
    assert "event: also: timed out" in verdict.evidence

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
READINESS = {"readinessProbe": TCP}
HTTP = {"httpGet": {"path": "/", "port": 80}}
EXEC = {"exec": {"command": ["a"]}}
NO_COMMAND = 'exec: "a": executable file not found in $PATH: unknown'
SLOW_COMMAND = 'command timed out: "a b" timed out after 1s'
REFUSED = "dial tcp 10.0.0.1:9090: connect: connection refused"
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


def said(verdicts: list[Verdict]) -> tuple[str, str | None, str]:
    (verdict,) = verdicts
    return verdict.cause, verdict.check, verdict.certainty


@pytest.fixture
def killed(event: Make) -> Callable[..., list[dict[str, Any]]]:
    """Make the events of a kill by a probe."""

    def killed(
        message: str = REFUSED, last: int = 60, count: int = 1, kind: str = "Liveness"
    ) -> list[dict[str, Any]]:
        kill = f"Container app failed {kind.lower()} probe, will be restarted"
        failed = f"{kind} probe failed: {message}"
        return [
            event("Unhealthy", failed, last, first=last - 20, count=3 * count),
            event("Killing", kill, last, first=last, count=count, warning=False),
        ]

    return killed


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


def test_a_kill_of_the_only_container_that_is_not_restarted_is_told(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Kubelet says `Stopping` then, as at any end of a pod: the failures before it tell."""
    over = {"restartPolicy": "Never"}
    made = pod(ended(0), spec=over, status={"phase": "Succeeded"}, container=LIVENESS)
    stop = event("Killing", "Stopping container app", warning=False)
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", first=40, count=3)
    (verdict,) = verdicts(made, [failed, stop])
    assert (verdict.cause, verdict.certainty) == ("liveness", "certain")
    assert verdict.summary.endswith("and so counts as complete")
    assert said(verdicts(made, [stop], ""))[0] == "none"


def test_a_kill_of_the_only_container_that_is_under_way_is_told(
    pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """Failures as many as it takes, and `Stopping` with the last of them."""
    over = {"restartPolicy": "Never"}
    stop = event("Killing", "Stopping container app", warning=False)
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", first=40, count=3)
    made = pod(spec=over, container=LIVENESS)
    assert said(verdicts(made, [failed, stop])) == ("liveness", "refused", "likely")
    few = {**failed, "count": 2}
    assert said(verdicts(made, [few, stop]))[0] == "deleted"


def test_a_kill_that_is_under_way_is_told(
    pod: Pod, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """SIGTERM was sent, and the container has not ended yet."""
    (verdict,) = verdicts(pod(container=LIVENESS), killed())
    assert (verdict.cause, verdict.certainty) == ("liveness", "likely")
    assert verdict.summary.startswith("is being killed by its liveness probe")


def test_a_kill_whose_end_the_api_has_lost_is_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """Only the event tells of it; an older one belongs to another end."""
    lost = pod(CRASHING, restarts=2, container=LIVENESS)
    (verdict,) = verdicts(lost, killed())
    assert (verdict.cause, verdict.certainty) == ("liveness", "likely")
    assert verdict.summary.startswith("killed by")
    older = pod(CRASHING, ended(1, start=500, end=600), restarts=2, container=LIVENESS)
    assert said(verdicts(older, killed()))[0] == "exit"


def test_kills_that_were_counted_together_are_each_a_kill(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """Certain where each end was one: as many as restarts, and one more; else likely."""
    events = killed(last=300, count=5)
    events[1]["firstTimestamp"] = "2026-11-24T08:00:30Z"
    made = pod(CRASHING, ended(143, start=100, end=200), restarts=4, container=LIVENESS)
    assert said(verdicts(made, events))[2] == "certain"
    made["status"]["containerStatuses"][0]["restartCount"] = 9
    assert said(verdicts(made, events))[2] == "likely"


def test_a_kill_of_the_container_before_is_not_taken(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """The next one ended by itself, within the grace of that kill."""
    made = pod(CRASHING, ended(1, start=61, end=83), restarts=2, container=LIVENESS)
    assert said(verdicts(made, killed()))[0] == "exit"


def test_times_that_do_not_fit_the_spec_are_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """Checks passed in between, took longer, or the node was busy."""
    made = pod(CRASHING, ended(143, start=0), restarts=1, container=LIVENESS)
    events = killed()
    assert any("as 3 failures, 10 s apart, take" in x for x in verdicts(made, events)[0].evidence)
    events[0]["firstTimestamp"] = "2026-11-24T08:00:01Z"
    assert any(
        "killed 59 s after the first failure, which" in x
        for x in verdicts(made, events)[0].evidence
    )
    events[0]["firstTimestamp"] = "2026-11-24T08:03:00Z"
    assert not any("first failure" in x for x in verdicts(made, events)[0].evidence)


@pytest.mark.parametrize(("normal", "words"), [(2, "proves nothing"), (25, "25 events")])
def test_no_killing_proves_nothing(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    normal: int, words: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Failures as many as it takes tell of a kill whose event was dropped."""
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", first=10, count=9)
    other = event("Pulled", "image", 11, count=normal, warning=False)
    made = pod(CRASHING, ended(137, start=0), restarts=8, container=LIVENESS)
    (verdict,) = verdicts(made, [failed, other])
    assert (verdict.cause, verdict.certainty) == ("liveness", "likely")
    assert any(words in line for line in verdict.evidence)


@pytest.mark.parametrize(
    ("code", "count", "first", "last"), [(1, 9, 10, 60), (137, 2, 50, 60), (137, 3, 1, 9)]
)
def test_failures_that_do_not_fit_the_end_are_no_kill(  # noqa: PLR0913, PLR0917 (a row, fixtures)
    code: int,
    count: int,
    first: int,
    last: int,
    pod: Pod,
    ended: Make,
    event: Make,
    verdicts: Verdicts,
) -> None:
    """Another exit code, too few of them, or long before: what is told is less than certain."""
    message = f"Liveness probe failed: {REFUSED}"
    failed = event("Unhealthy", message, last, first=first, count=count)
    made = pod(CRASHING, ended(code, start=0, end=99), restarts=8, container=LIVENESS)
    assert said(verdicts(made, [failed]))[2] != "certain"


def test_an_end_at_an_unknown_time_is_not_told_from_failures(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Without a time nothing fits."""
    last = ended(137)
    del last["terminated"]["finishedAt"]
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", count=9)
    kill = event("Killing", "Container app failed liveness probe", count=2, warning=False)
    for each in (failed, kill):
        del each["firstTimestamp"], each["lastTimestamp"]
    made = pod(CRASHING, last, restarts=8, container=LIVENESS)
    assert said(verdicts(made, [failed, kill]))[2] == "possible"


@pytest.mark.parametrize(
    ("code", "restarts", "state", "last", "spec", "certainty"),
    [
        (143, 1, CRASHING, (0, 60), {}, "likely"),
        (137, 1, CRASHING, (0, 60), {}, "possible"),
        (0, 1, CRASHING, (0, 60), {}, "possible"),
        (0, 3, {"running": {"startedAt": "2026-11-24T08:01:00Z"}}, (0, 60), {}, "likely"),
        (0, 3, {"running": {"startedAt": "2026-11-24T08:02:00Z"}}, (0, 60), {}, "possible"),
        (0, 3, CRASHING, (0, 60), {"restartPolicy": "OnFailure"}, "likely"),
    ],
)
def test_what_remains_is_the_probe(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    code: int,
    restarts: int,
    state: dict[str, Any],
    last: tuple[int, int],
    spec: dict[str, Any],
    certainty: str,
    pod: Pod,
    ended: Make,
    verdicts: Verdicts,
) -> None:
    """From the pod alone: by exit code, by how soon it restarted, by restartPolicy."""
    end = ended(code, start=last[0], end=last[1])
    made = pod(state, end, restarts=restarts, container=LIVENESS, spec=spec)
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.certainty) == ("liveness", certainty)
    assert verdict.summary.startswith("perhaps") is (certainty == "possible")


@pytest.mark.parametrize(
    ("restarts", "delay", "certainty"),
    [(3, "20s", "likely"), (9, "2m8s", "likely"), (9, "5m0s", "possible"), (3, "7s", "possible")],
)
def test_a_back_off_tells_of_kills(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    restarts: int, delay: str, certainty: str, pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """Restarts that came at once are missing from it; at its limit it tells nothing."""
    waiting = {**CRASHING["waiting"], "message": f"back-off {delay} restarting failed container"}
    made = pod({"waiting": waiting}, ended(137, start=0), restarts=restarts, container=LIVENESS)
    assert said(verdicts(made)) == ("liveness", None, certainty)


STARTUP = {"startupProbe": {**TCP, "failureThreshold": 4}}


@pytest.mark.parametrize(
    ("container", "ready_at", "kind"),
    [
        (STARTUP, 60, "startup"),
        ({**STARTUP, **LIVENESS}, 0, "startup"),
        ({**STARTUP, **LIVENESS}, 60, "liveness"),
    ],
)
def test_which_probe_remains_is_told_by_whether_it_was_ever_ready(  # noqa: PLR0913, PLR0917
    container: dict[str, Any],
    ready_at: int,
    kind: str,
    pod: Pod,
    ended: Make,
    verdicts: Verdicts,
) -> None:
    """A container is not ready before its startup probe has passed."""
    made = pod(CRASHING, ended(143, start=0), restarts=3, container=container)
    made["status"]["conditions"][1]["lastTransitionTime"] = f"2026-11-24T08:00:{ready_at % 60:02}Z"
    if ready_at:
        made["status"]["conditions"][1]["lastTransitionTime"] = "2026-11-24T08:01:00Z"
    assert said(verdicts(made))[0] == kind


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


def test_a_readiness_probe_that_fails_is_told(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Certain with an event, likely without; it is not ready, and that is all."""
    made = pod(ready=False, container=READINESS)
    failed = event("Unhealthy", f"Readiness probe failed: {REFUSED}", count=9)
    assert said(verdicts(made, [failed])) == ("readiness", "refused", "certain")
    assert said(verdicts(made)) == ("readiness", None, "likely")


def test_a_container_that_has_just_started_may_become_ready(
    pod: Pod, event: Make, verdicts: Verdicts, later: Callable[[float], Any]
) -> None:
    """Its probe has hardly had the time to pass; a failure is one all the same."""
    made = pod(ready=False, container=READINESS)
    assert said(verdicts(made, [], now=later(15))) == ("readiness", None, "possible")
    assert said(verdicts(made, [], now=later(90))) == ("readiness", None, "likely")
    failed = event("Unhealthy", f"Readiness probe failed: {REFUSED}", 10)
    assert said(verdicts(made, [failed], now=later(15)))[2] == "certain"


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
    assert said(verdicts(made, [])) == ("startup", None, "possible")


def test_a_restart_counts_more_than_not_being_ready_yet(
    pod: Pod, ended: Make, verdicts: Verdicts, later: Callable[[float], Any]
) -> None:
    """Ten minutes later not being ready is a trouble of its own."""
    state = {"running": {"startedAt": "2026-11-24T08:01:00Z"}}
    made = pod(state, ended(1), restarts=1, ready=False, container=READINESS)
    assert [each.cause for each in verdicts(made, now=later(90))] == ["exit"]
    assert [each.cause for each in verdicts(made)] == ["exit"]
    assert [each.cause for each in verdicts(made, now=later(900))] == ["exit", "readiness"]


def test_an_end_that_is_no_fault_leaves_the_readiness(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """It ended with 0 under OnFailure, was started again by hand, and is not ready."""
    spec = {"restartPolicy": "OnFailure"}
    made = pod(last=ended(0), ready=False, container=READINESS, spec=spec)
    assert said(verdicts(made))[0] == "readiness"


def test_a_port_without_that_name_is_told(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """The spec alone is enough; a readiness probe can never pass then."""
    asks = {**TCP, "tcpSocket": {"port": "nosuch"}}
    (verdict,) = verdicts(pod(container={"livenessProbe": asks}))
    assert (verdict.cause, verdict.certainty) == ("probe", "certain")
    assert "the liveness probe sees nothing" in verdict.summary
    told = "Readiness probe errored and resulted in unknown state: strconv.Atoi: invalid syntax"
    ports = {"ports": [{"name": "web", "containerPort": 80}]}
    made = pod(container={"readinessProbe": asks, **ports})
    (verdict,) = verdicts(made, [event("Unhealthy", told, count=9)])
    assert "the readiness probe can never pass" in verdict.summary
    assert any("strconv" in line for line in verdict.evidence)


def test_a_port_by_its_name_or_as_digits_is_found(pod: Pod, verdicts: Verdicts) -> None:
    """Nothing is wrong with either."""
    ports = {"ports": [{"name": "live", "containerPort": 9090}]}
    for port in ("live", "9090"):
        made = pod(container={**ports, "livenessProbe": {**TCP, "tcpSocket": {"port": port}}})
        assert said(verdicts(made, [], "")) == ("none", None, "certain")


ERRORED = "Liveness probe errored and resulted in unknown state: rpc error: "


@pytest.mark.parametrize(
    ("probe", "message", "count", "told"),
    [
        (EXEC, NO_COMMAND, 1, True),
        (EXEC, "code = Unavailable", 9, True),
        (EXEC, "code = Unavailable", 1, False),
        (EXEC, "container is in CONTAINER_EXITED state", 9, False),
        (HTTP, "deadline exceeded while reading body)", 9, True),
        (HTTP, "something new", 9, True),
    ],
)
def test_checks_that_error_are_told(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    probe: dict[str, Any],
    message: str,
    count: int,
    told: object,
    pod: Pod,
    event: Make,
    verdicts: Verdicts,
) -> None:
    """They count for nothing; one alone, or at the end of a container, is none."""
    errored = event("Unhealthy", ERRORED + message, count=count)
    (verdict,) = verdicts(pod(container={"livenessProbe": probe}), [errored])
    assert (verdict.cause == "probe") is told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sh", "-c", "sleep 1000; true"], True),
        (["/bin/bash", "-c", "sleep 0.5; true"], False),
        (["sh", "-c", "exec sleep 1000"], False),
        (["sh", "-c"], False),
        (["sleep", "-c", "1000"], False),
    ],
)
def test_a_shell_that_outlives_its_timeout_is_told(
    command: list[str], told: object, pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """Kubelet waits for its child meanwhile; where a check failed it is not so."""
    probe = {"exec": {"command": command}, "timeoutSeconds": 1}
    made = pod(container={"livenessProbe": probe})
    assert (said(verdicts(made))[0] == "probe") is told
    failed = event("Unhealthy", "Liveness probe failed: command timed out")
    assert said(verdicts(made, [failed], ""))[0] == "none"


def test_what_is_no_fault_is_noted(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """Failures below the threshold, and redirects that count as passed."""
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}")
    warned = event("ProbeWarning", "Liveness probe warning: Probe terminated redirects")
    (verdict,) = verdicts(pod(container=LIVENESS), [failed, warned], "")
    assert (verdict.cause, verdict.certainty) == ("none", "certain")
    assert any("3 in a row would count" in line for line in verdict.evidence)
    assert any("redirect" in line for line in verdict.evidence)


def test_without_events_or_logs_it_is_less_sure_that_a_pod_is_well(
    pod: Pod, verdicts: Verdicts
) -> None:
    """A probe that errors, or a child that is killed, would not be seen."""
    exec_probe = {"livenessProbe": {"exec": {"command": ["true"]}}}
    assert said(verdicts(pod(), [], ""))[2] == "certain"
    assert said(verdicts(pod(), None, ""))[2] == "likely"
    assert said(verdicts(pod(), []))[2] == "likely"
    assert said(verdicts(pod(container=exec_probe), [], ""))[2] == "likely"


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

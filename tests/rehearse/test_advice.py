from __future__ import annotations

import pytest

from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome
from tcp_probe.rehearse.advice import advice
from tcp_probe.rehearse.summary import Summary

REFUSED = "dial tcp 192.0.2.1:9090: connect: connection refused"
READY = ("Ready", "")
KILLING = ("Killing", "Container app failed liveness probe, will be restarted")


def summary(*events: tuple[str, str], passed: bool = True, handler: str = "tcpSocket") -> Summary:
    made = Summary("app", {"liveness": handler, "readiness": handler})
    made.check("liveness", Outcome(success=passed))
    for reason, message in events:
        made.add(Event(0, "Normal", reason, message, 0))
    return made


def told(made: Summary) -> str:
    return advice(made) or ""


def killed(failure: str = REFUSED, *, passed: bool = True, handler: str = "tcpSocket") -> Summary:
    unhealthy = ("Unhealthy", f"Liveness probe failed: {failure}")
    return summary(READY, unhealthy, KILLING, passed=passed, handler=handler)


def test_where_nothing_is_wrong_nothing_is_to_change() -> None:
    """There is no advice then."""
    assert advice(summary(READY)) is None


def test_the_workers_own_reason_comes_first() -> None:
    """It is in the log, or in the termination message."""
    made = killed()
    made.output("WARNING port 9090 refuses checks: a watchdog ran out: no reset for 180 s")
    assert "a timeout of its own" in told(made)
    made = killed()
    message = "port 9090 refuses checks: the event loop has not run for 10 s"
    exited = "Container app exited with code 137"
    made.add(Event(0, "Normal", "Exited", exited, 0, termination_message=message))
    assert "anyio.to_thread.run_sync" in told(made)


def test_a_later_end_is_not_the_reason_of_the_kill() -> None:
    """The next container ends with the rehearsal, and says so on its way out."""
    made = killed()
    made.output("WARNING port 9090 refuses checks: a watchdog ran out: no reset for 180 s")
    made.add(Event(0, "Normal", "Exited", "Container app exited with code 0", 0))
    made.output("INFO port 9090 refuses checks: the worker has ended")
    assert "a timeout of its own" in told(made)


def test_what_can_be_seen_from_outside_is_told() -> None:
    """As that a worker listens on loopback only."""
    made = killed(passed=False)
    made.remark("it listens on loopback only")
    assert told(made) == "it listens on loopback only"


def test_a_worker_that_never_answered_may_need_a_startup_probe() -> None:
    """Or another port."""
    assert "startupProbe" in told(killed(passed=False))
    assert "startupProbe" not in told(killed())
    assert "startupProbe" not in told(killed("no\n", passed=False, handler="exec"))


@pytest.mark.parametrize(
    ("failure", "handler", "words"),
    [
        ("dial tcp 192.0.2.1:9090: i/o timeout", "tcpSocket", "stands still"),
        ("HTTP probe failed with statuscode: 500", "httpGet", "200 to 399"),
        ("broken\n", "exec", "exit with 0"),
        ('service unhealthy (responded with "NOT_SERVING")', "grpc", "SERVING"),
    ],
)
def test_how_the_checks_failed_is_answered(failure: str, handler: str, words: str) -> None:
    """Where the worker itself says nothing."""
    assert words in told(killed(failure, handler=handler))


def test_a_container_that_never_becomes_ready_is_answered() -> None:
    """By its readiness probe, or by a longer rehearsal."""
    unhealthy = ("Unhealthy", f"Readiness probe failed: {REFUSED}")
    assert "readiness port" in told(summary(unhealthy))
    made = summary()
    made.check("readiness", Outcome(success=True))
    assert told(made) == "Rehearse longer (--for): it has not become ready yet."


def test_a_probe_that_was_never_checked_is_answered_with_how_long_to_rehearse() -> None:
    """Of several the one that comes last: its delay and period after the start."""
    made = Summary("app", {"liveness": "tcpSocket", "readiness": "tcpSocket"})
    made.add(Event(2, "Normal", "Started", "", 0))
    kubelet = Kubelet(
        Container(
            "app",
            (Probe("readiness", period=5), Probe("liveness", period=10, initial_delay=60)),
        )
    )
    made.end(kubelet)
    assert made.exit_status == 1
    assert told(made).startswith("Rehearse for at least 75 s (--for 75): the liveness probe")


def test_a_container_that_was_never_started_is_answered() -> None:
    """When its probes would have been checked is not known."""
    made = Summary("app", {"liveness": "tcpSocket"})
    made.end(Kubelet(Container("app", (Probe("liveness"),))))
    assert told(made) == "Rehearse longer (--for): it has not become ready yet."


def test_a_container_that_is_not_ready_at_the_end_is_answered() -> None:
    """Though it was before."""
    made = summary(READY, ("Unhealthy", f"Readiness probe failed: {REFUSED}"))
    kubelet = Kubelet(Container("app"))
    kubelet.start(0)
    kubelet.started(0)
    made.end(kubelet)
    assert made.exit_status == 1
    assert "not ready at the end" in made.story()
    assert "readiness port" in told(made)


def test_a_probe_that_could_not_be_made_is_told() -> None:
    """It counts for nothing here, and may do so there."""
    made = Summary("app", {"liveness": "exec"})
    made.add(Event(0, "Normal", "Ready", "", 0))
    made.check("liveness", Outcome(success=None, message="no such command"))
    assert made.exit_status == 1
    assert "The liveness probe could not be made" in told(made)
    assert "no such command" in told(made)
    made.check("liveness", Outcome(success=True))
    assert made.exit_status == 0


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (3, [], "Mend what ends it with code 3."),
        (1, ["ValueError: no key"], "Mend what ends it with code 1: ValueError: no key."),
        (127, [], "Mend the command's name"),
        (0, [], "run it as a Job"),
    ],
)
def test_an_exit_is_answered(code: int, log: list[str], words: str) -> None:
    """With what was printed last, if that tells."""
    made = summary(READY, ("Exited", f"Container app exited with code {code}"), ("BackOff", ""))
    for line in log:
        made.output(line)
    assert words in told(made)


def test_a_hook_that_fails_is_answered() -> None:
    """The container is killed for it."""
    failed = ("FailedPostStartHook", "PostStartHook failed")
    made = summary(READY, failed, ("Killing", "FailedPostStartHook"))
    assert "postStart" in told(made)


def test_a_liveness_probe_that_fails_at_the_end_is_not_well() -> None:
    """The kill is only a matter of time."""
    made = summary(READY, ("Unhealthy", f"Liveness probe failed: {REFUSED}"))
    made.check("liveness", Outcome(success=False, message=REFUSED))
    kubelet = Kubelet(Container("app"))
    kubelet.start(0)
    kubelet.started(0)
    kubelet.wake(1)
    made.end(kubelet)
    assert made.exit_status == 1
    assert "the liveness probe fails at the end" in made.story()
    assert "why nothing listens" in told(made)

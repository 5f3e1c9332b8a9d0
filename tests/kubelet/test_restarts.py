from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Kill, Outcome, RunPreStop, Terminate

Stage = Callable[..., Any]
PASSED = Outcome(success=True)
FAILED = Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused")


def test_failures_in_a_row_kill(stage: Stage) -> None:
    """After failureThreshold failures in a row the container gets SIGTERM, and no more checks."""
    play = stage(Probe("liveness", period=1, failure_threshold=3), grace=20)
    play.outcomes["liveness"] = FAILED
    play.until(2)
    play.outcomes["liveness"] = PASSED
    play.until(3)
    play.outcomes["liveness"] = FAILED
    play.until(10)
    assert play.times("liveness") == [0.85, 1.85, 2.85, 3.85, 4.85, 5.85]
    [killing] = play.events("Killing")
    assert killing.time == pytest.approx(5.86)
    assert killing.message == "Container worker failed liveness probe, will be restarted"
    assert play.found(Terminate) == [Terminate(20)]


def test_a_failed_startup_probe_kills(stage: Stage) -> None:
    """It does so in its own name and with its own grace."""
    play = stage(Probe("startup", period=1, failure_threshold=2, grace=7), grace=20)
    play.outcomes["startup"] = FAILED
    play.until(3)
    assert play.events("Killing")[0].message.startswith("Container worker failed startup probe")
    assert play.found(Terminate) == [Terminate(7)]


def test_sigkill_follows_when_the_grace_is_over(stage: Stage) -> None:
    """A container that does not end after SIGTERM gets SIGKILL."""
    play = stage(Probe("liveness", period=1, failure_threshold=1, grace=5), grace=20)
    play.outcomes["liveness"] = FAILED
    play.until(2)
    [killing] = play.events("Killing")
    play.until(killing.time + 4.9)
    assert play.found(Kill) == []
    play.until(killing.time + 5.1)
    assert play.found(Kill) == [Kill()]


def test_the_grace_is_never_under_two_seconds(stage: Stage) -> None:
    """A container gets 2 s, also where the manifest says less."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), grace=0)
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.found(Terminate) == [Terminate(2)]


def test_a_hook_runs_before_sigterm_within_the_grace(stage: Stage) -> None:
    """SIGTERM comes when the hook has ended; what it took is taken from the grace."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), grace=10, pre_stop=True)
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.found(RunPreStop) == [RunPreStop(10)]
    assert play.found(Terminate) == []
    play.now = play.events("Killing")[0].time + 3
    play.take(play.kubelet.pre_stopped(play.now))
    assert [round(step.grace, 3) for step in play.found(Terminate)] == [7]


def test_a_hook_that_takes_too_long_is_not_waited_for(stage: Stage) -> None:
    """At the end of the grace SIGTERM comes all the same, and 2 s are left."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), grace=10, pre_stop=True)
    play.outcomes["liveness"] = FAILED
    play.until(12)
    assert play.found(Terminate) == [Terminate(2)]
    play.take(play.kubelet.pre_stopped(12))
    assert play.found(Terminate) == [Terminate(2)]


def test_a_container_that_ends_by_itself_backs_off_from_its_second_exit(stage: Stage) -> None:
    """The first restart comes within a second, the second after 10 s and up to 6 s more."""
    play = stage()
    play.until(100)
    play.exits(code=1)
    play.until(101)
    assert play.kubelet.restarts == 1
    play.exits(code=1)
    play.until(102)
    [told] = play.events("BackOff")
    assert told.message == (
        "Back-off restarting failed container worker in pod "
        "pod_default(00000000-0000-0000-0000-000000000000)"
    )
    assert told.delay == 10
    assert play.kubelet.status == "CrashLoopBackOff"
    play.until(111)
    assert play.kubelet.restarts == 1
    play.until(101 + 10 + 6)
    assert play.kubelet.restarts == 2
    assert play.kubelet.status == "Running"


def test_a_killed_container_restarts_at_once_three_times(stage: Stage) -> None:
    """Its back-off is measured from the exit before, which is why it begins with the fourth."""
    play = stage(Probe("liveness", period=5, failure_threshold=2))
    play.outcomes["liveness"] = FAILED
    at_once = []
    for _ in range(4):
        kills = len(play.events("Killing"))
        while len(play.events("Killing")) == kills:
            play.until(play.now + 1)
        play.exits(code=143)
        play.until(play.now + 2)
        at_once.append(play.kubelet.running)
    assert at_once == [True, True, True, False]
    # kubelet says so once with the kill, and again when it has seen the exit.
    assert [event.delay for event in play.events("BackOff")] == [20, 20]


@pytest.mark.parametrize(
    ("policy", "code", "restarts", "status"),
    [
        ("Always", 0, 1, "Completed"),
        ("OnFailure", 0, 0, "Completed"),
        ("OnFailure", 1, 1, "Error"),
        ("Never", 0, 0, "Completed"),
        ("Never", 1, 0, "Error"),
    ],
)
def test_the_restart_policy_decides_after_an_exit(
    policy: str, code: int, restarts: int, status: str, stage: Stage
) -> None:
    """OnFailure restarts after a code other than 0, Never not at all."""
    play = stage(restart_policy=policy)
    play.until(1)
    play.exits(code)
    assert play.kubelet.status == status
    assert play.kubelet.exit_code == code
    play.until(3)
    assert play.kubelet.finished is (restarts == 0)
    assert play.kubelet.restarts == restarts


def test_with_never_a_failed_probe_stops_the_pod(stage: Stage) -> None:
    """The message is that of the whole pod, and so is the grace."""
    play = stage(
        Probe("liveness", period=1, failure_threshold=1, grace=5), restart_policy="Never", grace=9
    )
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.events("Killing")[0].message == "Stopping container worker"
    assert play.found(Terminate) == [Terminate(9)]
    play.exits(code=137)
    play.until(3)
    assert play.kubelet.finished
    assert play.kubelet.next_wake == inf


def test_with_never_a_failed_probe_beside_other_containers_stops_its_own(stage: Stage) -> None:
    """The others go on, so the container is killed in its own name and not restarted."""
    play = stage(
        Probe("liveness", period=1, failure_threshold=1, grace=5),
        restart_policy="Never",
        alone=False,
    )
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.events("Killing")[0].message == "Container worker failed liveness probe"
    assert play.found(Terminate) == [Terminate(5)]


def test_on_failure_a_clean_end_after_a_kill_is_final_once_kubelet_has_seen_it(
    stage: Stage,
) -> None:
    """A kill restarts at once whatever the code; in a back-off the code is looked at again."""
    play = stage(Probe("liveness", period=2, failure_threshold=1), restart_policy="OnFailure")
    play.outcomes["liveness"] = FAILED
    while not play.events("BackOff"):
        play.until(play.now + 0.5)
        if play.kubelet.running and len(play.events("Killing")) > len(play.events("Exited")):
            play.exits(code=0)
    play.until(play.now + 1)
    assert play.kubelet.finished
    assert play.kubelet.status == "Completed"


def test_a_container_that_ends_before_the_kill_is_restarted_only_once(stage: Stage) -> None:
    """Between the failed probe and SIGTERM it may end by itself: there is nothing to kill then."""
    play = stage(Probe("liveness", period=1, failure_threshold=1))
    play.outcomes["liveness"] = FAILED
    play.until(0.6)
    play.exits(code=1)
    play.outcomes["liveness"] = PASSED
    play.until(5)
    assert play.events("Killing") == []
    assert play.kubelet.restarts == 1


def test_before_the_first_start_the_container_is_being_created() -> None:
    """That is what STATUS says until there is an instance."""
    assert Kubelet(Container("worker")).status == "ContainerCreating"

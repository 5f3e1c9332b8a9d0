from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.restart_policy import RestartRule
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Outcome, StartContainer, Terminate
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import parse

Stage = Callable[..., Any]
FAILED = Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused")
RULE = RestartRule("Restart", frozenset({42}))
ALL = RestartRule("RestartAllContainers", frozenset({42}))


def ended(stage: Stage, code: int, **container: Any) -> Any:
    play = stage(alone=False, **container)
    play.until(1)
    play.exits(code)
    play.until(4)
    return play.kubelet


@pytest.mark.parametrize(("code", "restarts"), [(42, 1), (1, 0)])
def test_a_rule_restarts_what_the_policy_would_not(stage: Stage, code: int, restarts: int) -> None:
    """After the codes that it names."""
    kubelet = ended(stage, code, own_restart_policy="Never", restart_rules=(RULE,))
    assert kubelet.restarts == restarts
    assert kubelet.finished is not bool(restarts)


def test_a_rule_may_be_for_all_codes_but_some() -> None:
    """With the operator NotIn."""
    rule = RestartRule("Restart", frozenset({0, 42}), negated=True)
    assert [rule.matches(code) for code in (0, 1, 42)] == [False, True, False]


@pytest.mark.parametrize(("minor", "restarts"), [(35, 0), (34, 1)])
def test_a_containers_own_policy_counts_where_it_is_heeded(
    stage: Stage, minor: int, restarts: int
) -> None:
    """Else that of the pod."""
    own = {"own_restart_policy": "Never", "restart_policy": "Always"}
    assert ended(stage, 1, minor=minor, **own).restarts == restarts


def test_a_rule_backs_off_like_a_policy(stage: Stage) -> None:
    """10 s after the second exit."""
    play = stage(alone=False, own_restart_policy="Never", restart_rules=(RULE,))
    for _ in range(2):
        play.until(play.now + 3)
        play.exits(42)
    play.until(play.now + 3)
    assert [event.delay for event in play.events("BackOff")] == [10]


def test_all_containers_restart_without_a_back_off(stage: Stage) -> None:
    """However often."""
    play = stage(alone=False, own_restart_policy="Never", restart_rules=(ALL,))
    for _ in range(5):
        play.until(play.now + 3)
        play.exits(42)
    play.until(play.now + 3)
    assert play.kubelet.restarts == 5
    assert play.events("BackOff") == []


def test_before_1_36_no_rule_restarts_all(stage: Stage) -> None:
    """The policy decides then."""
    assert ended(stage, 42, minor=35, own_restart_policy="Never", restart_rules=(ALL,)).finished


def test_a_probes_kill_looks_at_the_policy_alone(stage: Stage) -> None:
    """Rules are for a container that has ended, and so are looked at once it has."""
    probe = Probe("liveness", period=1, failure_threshold=1)
    rule = RestartRule("Restart", frozenset({137}))
    play = stage(probe, alone=False, own_restart_policy="Never", restart_rules=(rule,))
    play.outcomes["liveness"] = FAILED
    play.until(1)
    [killing] = play.events("Killing")
    assert killing.message == "Container worker failed liveness probe"
    play.exits(137)
    assert not play.kubelet.finished
    play.until(3)
    assert play.kubelet.restarts == 1


def test_a_sidecar_restarts_whatever_the_pod_says(stage: Stage) -> None:
    """With a message of its own, and the grace of its probe."""
    probe = Probe("liveness", period=1, failure_threshold=1, grace=4)
    play = stage(probe, sidecar=True, alone=False, restart_policy="Never")
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.events("Killing")[0].message == "Init container worker failed liveness probe"
    assert play.found(Terminate) == [Terminate(4)]
    play.exits(0)
    play.until(1.5)
    assert play.kubelet.restarts == 1


@pytest.mark.parametrize(("code", "reasons"), [(0, ["Succeeded"]), (137, [])])
def test_a_kill_that_counts_as_success_is_told(stage: Stage, code: int, reasons: list[str]) -> None:
    """A Job whose hung worker ends well on SIGTERM is Complete, and nobody looks at it again."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), restart_policy="Never")
    play.outcomes["liveness"] = FAILED
    play.until(1)
    play.exits(code)
    play.until(3)
    told = play.events("Succeeded")
    assert [event.reason for event in told] == reasons
    for event in told:
        assert (event.kind, event.type) == ("state", "Warning")
        assert event.message == (
            "Container worker was killed by its liveness probe, but ended with code 0: "
            "it counts as done, and a Job as Complete"
        )


def test_the_others_are_ended_and_started_again(stage: Stage) -> None:
    """With 2 s, without a hook and without a back-off, as soon as the one with the rule asks."""
    ruled = stage(alone=False, own_restart_policy="Never", restart_rules=(ALL,))
    other = stage(alone=False, grace=30, pre_stop=True)
    ruled.until(3)
    other.until(3)
    ruled.exits(42)
    while not ruled.kubelet.restarts_pod():
        ruled.until(ruled.now + 0.01)
    assert not ruled.kubelet.restarts_pod()
    for _ in range(2):
        other.take(other.kubelet.restart(other.now))
    assert [event.message for event in other.events("Killing")] == ["killing"]
    assert other.found(Terminate) == [Terminate(2)]
    other.exits(137)
    other.until(other.now + 0.2)
    ruled.until(ruled.now + 0.2)
    assert (other.kubelet.restarts, ruled.kubelet.restarts) == (1, 1)


@pytest.mark.parametrize(
    ("success", "killed_for", "terminate"),
    [(True, ["killing"], Terminate(2)), (False, ["FailedPostStartHook"], Terminate(20))],
)
def test_a_hook_after_the_start_ends_before_the_pod_starts_again(
    stage: Stage, killed_for: list[str], terminate: Terminate, *, success: bool
) -> None:
    """Until then kubelet looks at nothing of the pod; only a hook that fails by itself is told."""
    play = stage(alone=False, post_start=True, grace=20)
    play.until(3)
    play.take(play.kubelet.restart(play.now))
    assert play.found(Terminate) == []
    assert play.kubelet.ends_with_pod
    play.take(play.kubelet.post_started(play.now, success=success))
    assert [event.message for event in play.events("Killing")] == killed_for
    assert play.found(Terminate) == [terminate]
    play.exits(143)
    assert bool(play.events("FailedPostStartHook")) is not success
    play.until(play.now + 0.5)
    assert (play.kubelet.restarts, play.kubelet.ends_with_pod) == (1, False)


def test_one_that_has_ended_for_good_starts_again_with_its_pod(stage: Stage) -> None:
    """An init container that is done, or a container with the restartPolicy Never."""
    done = stage(alone=False, restart_policy="Never")
    done.until(3)
    done.exits(0)
    done.until(6)
    assert done.kubelet.finished
    done.take(done.kubelet.restart(done.now))
    assert not done.kubelet.finished
    done.until(7)
    assert (done.kubelet.restarts, done.kubelet.running) == (1, True)


def test_one_that_is_just_being_started_is_left_alone() -> None:
    """It is as new as the others will be."""
    kubelet = Kubelet(Container("worker"))
    assert kubelet.start(0) == [StartContainer()]
    assert kubelet.starting
    assert kubelet.restart(0) == []
    assert kubelet.next_wake == inf


def test_one_that_is_being_killed_starts_again_with_its_pod(stage: Stage) -> None:
    """Whatever its own policy says of a kill."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), restart_policy="Never")
    play.outcomes["liveness"] = FAILED
    play.until(1)
    play.take(play.kubelet.restart(play.now))
    assert play.kubelet.ends_with_pod
    assert len(play.events("Killing")) == 1
    play.exits(137)
    play.until(play.now + 0.5)
    assert (play.kubelet.restarts, play.kubelet.ends_with_pod) == (1, False)


def test_the_init_containers_take_their_time_again() -> None:
    """Where the rule starts everything again, what comes before the container does as well."""
    container = Container("worker", own_restart_policy="Never", restart_rules=(ALL,))
    simulation = Simulation(container, {}, parse("exit=4:42"), init=[20])
    starts = [event.time for event in simulation.run(60) if event.reason == "Started"]
    assert 20 < starts[0] < 22
    assert 24 < starts[1] - starts[0] < 27

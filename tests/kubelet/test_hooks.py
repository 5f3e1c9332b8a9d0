from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Outcome, RunPostStart, RunPreStop, Terminate

Stage = Callable[..., Any]
FAILED = Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused")


def killed(play: Any) -> None:
    """Let liveness fail until the container is being killed."""
    play.outcomes["liveness"] = FAILED
    while not play.events("Killing"):
        play.until(play.now + 0.5)
    play.now = play.events("Killing")[-1].time


def test_no_check_is_made_while_the_hook_after_the_start_runs(stage: Stage) -> None:
    """Nor is the container ready; its ticks go on unused."""
    play = stage(Probe("liveness", period=2), Probe("readiness", period=2), post_start=True)
    assert play.found(RunPostStart) == [RunPostStart()]
    play.until(7)
    assert play.checks == []
    assert play.reasons() == ["Started"]
    assert play.kubelet.status == "ContainerCreating"
    play.take(play.kubelet.post_started(7.0, success=True))
    play.until(10)
    assert play.kubelet.ready
    assert play.times("liveness") == [7.85, 9.85]


def test_a_hook_that_fails_after_the_start_ends_the_container(stage: Stage) -> None:
    """With the hook before SIGTERM and the pod's grace, and another start when that is seen."""
    play = stage(Probe("liveness", grace=3), post_start=True, pre_stop=True, grace=20)
    play.now = 1.0
    play.take(play.kubelet.post_started(1.0, success=False))
    assert [event.message for event in play.events("FailedPostStartHook", "Killing")] == [
        "PostStartHook failed",
        "FailedPostStartHook",
    ]
    assert play.found(RunPreStop) == [RunPreStop(20)]
    assert play.kubelet.status == "PostStartHookError"
    play.take(play.kubelet.pre_stopped(1.0))
    play.exits(0)
    play.until(3)
    assert play.kubelet.restarts == 1
    play.take(play.kubelet.post_started(3.0, success=False))
    play.exits(0)
    play.until(5)
    assert play.events("BackOff")[-1].delay == 10
    assert play.kubelet.status == "CrashLoopBackOff"


def test_a_container_that_ends_during_its_hook_has_failed_it(stage: Stage) -> None:
    """What the hook itself comes to is then no news."""
    play = stage(post_start=True)
    play.exits(1)
    assert play.reasons() == ["Started", "Exited", "FailedPostStartHook", "Killing"]
    play.take(play.kubelet.post_started(0.5, success=True))
    play.until(2)
    assert play.kubelet.restarts == 1


@pytest.mark.parametrize(("took", "left"), [(3, 7), (3.9, 7), (0.5, 10), (9.5, 2)])
def test_what_a_hook_takes_is_cut_to_whole_seconds(stage: Stage, took: float, left: float) -> None:
    """Before it is taken from the grace, of which 2 s stay in any case."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), grace=10, pre_stop=True)
    killed(play)
    play.take(play.kubelet.pre_stopped(play.now + took))
    assert play.found(Terminate) == [Terminate(left)]


def test_a_hook_that_fails_before_sigterm_is_told(stage: Stage) -> None:
    """And changes nothing else."""
    play = stage(Probe("liveness", period=1, failure_threshold=1), grace=10, pre_stop=True)
    killed(play)
    play.take(play.kubelet.pre_stopped(play.now, success=False))
    assert play.events("FailedPreStopHook")[0].message == "PreStopHook failed"
    assert play.found(Terminate) == [Terminate(10)]


@pytest.mark.parametrize(("minor", "signal"), [(37, "SIGUSR1"), (36, "SIGTERM")])
def test_the_stop_signal_is_sent_where_it_is_heeded(stage: Stage, minor: int, signal: str) -> None:
    """Else it is SIGTERM."""
    probe = Probe("liveness", period=1, failure_threshold=1)
    play = stage(probe, stop_signal="SIGUSR1", minor=minor)
    killed(play)
    assert [step.signal for step in play.found(Terminate)] == [signal]

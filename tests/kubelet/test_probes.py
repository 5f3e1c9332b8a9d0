from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome, RunCheck, StartContainer

Stage = Callable[..., Any]
PASSED = Outcome(success=True)
FAILED = Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused")


def test_checks_come_once_a_period(stage: Stage) -> None:
    """The tickers run from 0.15 s before the first start on, as recorded."""
    play = stage(Probe("liveness", period=2))
    play.until(8)
    assert play.times("liveness") == [1.85, 3.85, 5.85, 7.85]


def test_the_initial_delay_skips_checks_and_shifts_none(stage: Stage) -> None:
    """A check before that age is left out; the next one comes with its own tick."""
    play = stage(Probe("liveness", period=5, initial_delay=6))
    play.until(16)
    assert play.times("liveness") == [9.85, 14.85]


def test_a_restart_does_not_shift_the_ticks(stage: Stage) -> None:
    """The ticker belongs to the pod: after a restart checks go on in the old phase."""
    play = stage(Probe("liveness", period=4))
    play.until(5.1)
    play.exits(code=1)
    play.until(16)
    assert play.kubelet.restarts == 1
    assert play.times("liveness") == [3.85, 7.85, 11.85, 15.85]


def test_liveness_and_readiness_wait_for_startup(stage: Stage) -> None:
    """Until the startup probe has succeeded nothing else is checked; then it is not any more."""
    play = stage(Probe("startup", period=1), Probe("liveness", period=1), Probe("readiness"))
    play.outcomes["startup"] = FAILED
    play.until(2)
    assert play.checks == [("startup", 0.85), ("startup", 1.85)]
    assert not play.kubelet.ready
    play.outcomes["startup"] = PASSED
    play.until(4)
    assert play.times("startup") == [0.85, 1.85, 2.85]
    assert play.times("liveness") == [3.85]
    assert play.times("readiness") == [2.85]
    assert play.kubelet.ready


def test_readiness_changes_and_kills_nothing(stage: Stage) -> None:
    """It follows its own thresholds in both directions."""
    play = stage(Probe("readiness", period=1, failure_threshold=2, success_threshold=3))
    play.until(5)
    play.outcomes["readiness"] = FAILED
    play.until(9)
    changes = [event.reason for event in play.events("Ready", "NotReady", "Killing")]
    assert changes == ["Ready", "NotReady"]
    assert len(play.events("Unhealthy")) >= 4


def test_a_lost_readiness_is_checked_once_more_at_once(stage: Stage) -> None:
    """With the change kubelet looks at the pod, which triggers a check out of turn."""
    play = stage(Probe("readiness", period=4, failure_threshold=1))
    play.until(6)
    play.outcomes["readiness"] = FAILED
    play.until(23)
    [lost] = play.events("NotReady")
    after = [time for time in play.times("readiness") if time >= round(lost.time, 3)]
    assert after[0] == after[1]
    assert [round(b - a, 3) for a, b in pairwise(after[1:])] == [4, 4, 4]


def test_without_a_readiness_probe_a_started_container_is_ready(stage: Stage) -> None:
    """Ready and not ready follow the start and the exit, as soon as kubelet has seen them."""
    play = stage()
    play.until(1)
    assert play.kubelet.ready
    play.exits()
    assert play.kubelet.ready
    play.until(3)
    reasons = [event.reason for event in play.events()]
    assert reasons[:4] == ["Started", "Ready", "Exited", "NotReady"]


def test_a_check_that_errors_counts_as_nothing(stage: Stage) -> None:
    """It is reported, and neither fails the probe nor ends a row of failures."""
    play = stage(Probe("liveness", period=1, failure_threshold=2))
    play.outcomes["liveness"] = Outcome(success=None, message='exec: "nope": not found')
    play.until(10)
    assert play.events("Killing") == []
    assert play.events("Unhealthy")[0].message == (
        'Liveness probe errored and resulted in unknown state: exec: "nope": not found'
    )
    play.outcomes["liveness"] = FAILED
    play.until(11)
    play.outcomes["liveness"] = Outcome(success=None)
    play.until(12)
    play.outcomes["liveness"] = FAILED
    play.until(13)
    assert len(play.events("Killing")) == 1


def test_a_check_may_pass_with_a_warning(stage: Stage) -> None:
    """A redirect to another host is a success that kubelet remarks on."""
    play = stage(Probe("liveness", period=1))
    play.outcomes["liveness"] = Outcome(success=True, message="Probe terminated redirects")
    play.until(1)
    [warning] = play.events("ProbeWarning")
    assert warning.message == "Liveness probe warning: Probe terminated redirects"


def test_a_row_of_failures_goes_on_over_a_restart(stage: Stage) -> None:
    """The count does not begin anew with a container that ended by itself."""
    play = stage(Probe("liveness", period=2, failure_threshold=2))
    play.outcomes["liveness"] = FAILED
    play.until(2)
    play.exits(code=1)
    play.until(4)
    assert play.kubelet.restarts == 1
    assert [round(event.time, 3) for event in play.events("Killing")] == [3.86]


def test_only_one_check_of_a_probe_runs_at_a_time() -> None:
    """Ticks during a long check are dropped but for one, which is made up for at its end."""
    kubelet = Kubelet(Container("worker", (Probe("liveness", period=1, timeout=5),)))
    kubelet.start(0.0)
    kubelet.started(0.0)
    kubelet.wake(0.1)
    assert len(kubelet.wake(1.0)) == 1
    for now in (1.85, 2.85, 3.85):
        assert kubelet.wake(now) == []
    assert len(kubelet.checked(3.9, "liveness", PASSED)) == 1
    assert kubelet.checked(4, "liveness", PASSED) == []
    assert kubelet.next_wake == pytest.approx(4.85)


def test_the_late_answer_of_an_old_container_does_not_kill_the_new_one() -> None:
    """A check that began before a restart counts in the row, but fails nothing."""
    probe = Probe("liveness", period=1, timeout=5, failure_threshold=1)
    kubelet = Kubelet(Container("worker", (probe,)))
    kubelet.start(0.0)
    kubelet.started(0.0)
    kubelet.wake(0.1)
    assert len(kubelet.wake(0.85)) == 1
    kubelet.exited(0.9, 1)
    kubelet.checked(0.95, "liveness", FAILED)
    kubelet.wake(2.0)
    kubelet.started(2.0)
    kubelet.wake(2.1)
    assert len(kubelet.wake(2.85)) == 1
    kubelet.exited(2.9, 1)
    while not any(isinstance(step, StartContainer) for step in kubelet.wake(kubelet.next_wake)):
        pass
    kubelet.started(40.0)
    kubelet.wake(40.01)
    kubelet.checked(40.1, "liveness", FAILED)
    assert kubelet.wake(40.3) == []
    [check] = kubelet.wake(40.85)
    assert isinstance(check, RunCheck)


def test_a_readiness_lost_during_the_grace_is_reported(stage: Stage) -> None:
    """Readiness goes on while the container is being stopped; liveness does not."""
    play = stage(
        Probe("liveness", period=1, failure_threshold=1),
        Probe("readiness", period=1, failure_threshold=1),
        grace=10,
    )
    play.until(5)
    play.outcomes["liveness"] = FAILED
    play.until(6.5)
    assert len(play.events("Killing")) == 1
    assert play.kubelet.ready
    play.outcomes["readiness"] = FAILED
    play.until(9)
    assert not play.kubelet.ready
    assert len(play.times("liveness")) == 6


def test_an_errored_check_is_made_three_times_at_once(stage: Stage) -> None:
    """And told once; where one of them comes to a result, that counts."""
    play = stage(Probe("liveness", period=5, failure_threshold=1))
    outcomes = [Outcome(success=None, message="no such file")] * 3
    play.outcome_of = lambda _: outcomes.pop(0) if outcomes else PASSED
    play.until(6)
    assert play.times("liveness") == [4.85] * 3
    assert len(play.events("Unhealthy")) == 1
    outcomes += [Outcome(success=None), FAILED]
    play.until(10)
    assert play.times("liveness")[3:] == [9.85] * 2
    assert play.reasons()[-2:] == ["Unhealthy", "Killing"]


def test_a_container_that_has_ended_is_checked_until_kubelet_has_seen_that() -> None:
    """Which takes up to a second; an error of one long gone is not tried again."""
    seed = next(seed for seed in range(100) if seen_after(seed) > 0.5)
    kubelet = Kubelet(Container("worker", (Probe("liveness", period=1, timeout=5),)), seed)
    kubelet.start(0.0)
    kubelet.started(0.0)
    kubelet.wake(0.1)
    kubelet.exited(0.5, 1)
    error = Outcome(success=None, message="gone")
    assert len(kubelet.wake(0.85)) == 1
    [again] = kubelet.checked(0.85, "liveness", error)
    assert isinstance(again, RunCheck)
    kubelet.wake(2.0)
    [told] = kubelet.checked(2.0, "liveness", error)
    assert isinstance(told, Event)


def seen_after(seed: int) -> float:
    kubelet = Kubelet(Container("worker"), seed)
    kubelet.start(0.0)
    kubelet.started(0.0)
    kubelet.wake(0.1)
    kubelet.exited(0.5, 1)
    return kubelet.next_wake - 0.5


def test_the_initial_delay_may_end_a_second_early() -> None:
    """The start is known by its second alone: in most clusters' clocks 9.85 s are over 10."""
    firsts = set()
    for seed in range(30):
        kubelet = Kubelet(Container("worker", (Probe("liveness", initial_delay=10),)), seed)
        kubelet.start(0.0)
        kubelet.started(0.0)
        while not any(isinstance(step, RunCheck) for step in kubelet.wake(kubelet.next_wake)):
            last = kubelet.next_wake
        firsts.add(round(last, 2))
    assert firsts == {9.85, 19.85}


def test_what_is_not_ready_is_checked_out_of_turn_now_and_then(stage: Stage) -> None:
    """Once every 60 to 90 s, and the ticks go on from there."""
    play = stage(Probe("readiness", period=50))
    play.outcomes["readiness"] = FAILED
    play.until(400)
    gaps = [b - a for a, b in pairwise(play.times("readiness"))]
    out_of_turn = [gap for gap in gaps if 1 < gap < 49.9]
    assert out_of_turn
    play.outcomes["readiness"] = PASSED
    play.until(500)
    play.checks.clear()
    play.until(1000)
    assert [round(b - a, 3) for a, b in pairwise(play.times("readiness"))] == [50] * 9


def test_a_steady_container_may_be_left_alone(stage: Stage) -> None:
    """Checks that pass change nothing then, and may be skipped."""
    play = stage(Probe("startup", period=1), Probe("liveness", period=1), Probe("readiness"))
    assert not play.kubelet.steady
    play.until(30)
    assert play.kubelet.steady
    play.kubelet.skip(1000.5)
    assert play.kubelet.next_wake == pytest.approx(1000.85)
    play.outcomes["readiness"] = FAILED
    play.until(1030)
    assert not play.kubelet.steady


def test_an_exit_is_told_with_what_the_container_left() -> None:
    """The termination message, as `kubectl describe` shows it; a state, not an event."""
    kubelet = Kubelet(Container("worker"))
    kubelet.start(0.0)
    kubelet.started(0.0)
    [exited] = kubelet.exited(1.0, 1, "out of paper")
    assert isinstance(exited, Event)
    assert (exited.kind, exited.termination_message) == ("state", "out of paper")

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.back_off import BackOff, latest_end
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.kubelet.versions import Rules

Stage = Callable[..., Any]
FAILED = Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused")
STARTUP = Probe("startup", period=1, failure_threshold=30)


def restarted(stage: Stage, minor: int) -> Any:
    """Play a container whose start was over when its probe killed it."""
    play = stage(STARTUP, Probe("liveness", period=1, failure_threshold=1), minor=minor)
    play.until(3)
    play.outcomes["liveness"] = FAILED
    play.until(4)
    play.outcomes = {"startup": FAILED}
    play.exits(0)
    play.until(4.1)
    play.checks.clear()
    return play


def test_from_1_35_on_a_killed_container_passes_for_started(stage: Stage) -> None:
    """Until its startup probe ticks: liveness is checked, and it is ready meanwhile."""
    play = restarted(stage, minor=36)
    assert play.kubelet.ready
    play.until(6)
    assert play.checks[0] == ("liveness", 4.85)
    assert play.times("startup") == [5.85]
    assert [event.reason for event in play.events("NotReady")] == ["NotReady"]


def test_before_1_35_a_killed_container_has_to_start_up_first(stage: Stage) -> None:
    """No other check comes before that of its startup probe."""
    play = restarted(stage, minor=34)
    play.until(6)
    assert play.times("liveness") == []
    assert not play.kubelet.ready


def test_a_container_that_backed_off_has_to_start_up_first(stage: Stage) -> None:
    """In every version: kubelet has seen it without a running instance meanwhile."""
    play = restarted(stage, minor=36)
    play.exits(1)
    play.until(30)
    assert play.kubelet.restarts == 2
    assert play.times("liveness") == []


@pytest.mark.parametrize(("minor", "most"), [(36, 0.02), (35, 1)])
def test_kubelet_sees_what_it_has_started(stage: Stage, minor: int, most: float) -> None:
    """At once from 1.36 on, before that within a second: ticks until then are lost."""
    play = stage(Probe("liveness", period=1), minor=minor, seed=5)
    play.until(3)
    [ready] = play.events("Ready")
    assert 0 < ready.time <= most
    assert play.times("liveness")[0] > ready.time


@pytest.mark.parametrize(
    ("minor", "message"),
    [
        (33, "Liveness probe errored and resulted in failure state: body"),
        (32, "Liveness probe errored: body"),
    ],
)
def test_an_errored_check_is_told_in_the_words_of_the_version(
    stage: Stage, minor: int, message: str
) -> None:
    """With the state that it resulted in from 1.33 on."""
    play = stage(Probe("liveness", period=1), minor=minor)
    play.outcomes["liveness"] = Outcome(success=None, message="body", state="failure")
    play.until(1.9)
    assert play.events("Unhealthy")[0].message == message


@pytest.mark.parametrize("delay", [10, 20, 40, 80, 160, 300])
def test_a_back_off_ends_late_by_half_of_it_at_most(delay: float) -> None:
    """From 1.35 on kubelet looks again when it is over, but after 60 s at the latest."""
    late = lateness(delay, Rules(minor=35))
    assert min(late) < 3
    assert 3 < max(late) <= latest_end(delay, Rules(minor=35)) - delay <= 31


@pytest.mark.parametrize("delay", [80, 300])
def test_before_1_35_a_back_off_ended_late_by_15_seconds_at_most(delay: float) -> None:
    """Whatever its length: kubelet looked again every 10 to 15 s."""
    rules = Rules(minor=34)
    assert 10 < max(lateness(delay, rules)) <= latest_end(delay, rules) - delay == 15


def lateness(delay: float, rules: Rules) -> list[float]:
    """How late (s) a back-off ends in the container's next start, many times."""
    chance = random.Random(0)  # noqa: S311 - nothing secret
    back_off = BackOff(rules)
    back_off.delay = delay
    late = []
    for _ in range(300):
        now = 1.0
        while now < delay:
            now = back_off.look_again(now, 0.0, chance)
        late.append(now - delay)
    return late

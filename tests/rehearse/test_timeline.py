from __future__ import annotations

import pytest

from tcp_probe.kubelet.handlers import TcpSocket
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Container, Event, Outcome
from tcp_probe.rehearse.timeline import Check, End, Span, Timeline
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import parse

LIVENESS = Probe("liveness", period=2, timeout=1)


def timeline_of(*events: tuple[float, str, str], until: float) -> Timeline:
    timeline = Timeline(Container("app", (LIVENESS,)))
    for time, reason, message in events:
        timeline.add(Event(time, "Normal", reason, message, 0))
    timeline.close(until)
    return timeline


def test_a_kill_parts_running_from_grace() -> None:
    """Running ends where the container is asked to end; the rest is grace."""
    timeline = timeline_of(
        (0, "Started", ""),
        (1, "Ready", ""),
        (4, "Unhealthy", "Liveness probe failed: refused"),
        (5, "Unhealthy", "Readiness probe failed: refused"),
        (6, "Killing", "Container app failed liveness probe, will be restarted"),
        (7, "NotReady", ""),
        (9, "Exited", "Container app exited with code 137"),
        (10, "Started", ""),
        until=12,
    )
    assert timeline.running == [Span(0, 6), Span(10, 12)]
    assert timeline.grace == [Span(6, 9)]
    assert timeline.ready == [Span(1, 7)]
    assert timeline.back_off == []
    why = "killed: Liveness probe failed: refused; exited with code 137"
    assert timeline.ends == [End(6, why)]


def test_a_back_off_is_a_gap_from_the_exit_to_the_next_start() -> None:
    """However often kubelet has looked at it meanwhile."""
    timeline = timeline_of(
        (0, "Started", ""),
        (3, "Exited", "Container app exited with code 1"),
        (3.5, "BackOff", ""),
        (8, "BackOff", ""),
        (14, "Started", ""),
        until=15,
    )
    assert timeline.back_off == [Span(3, 14)]
    assert timeline.ends == [End(3, "exited with code 1")]


def test_what_still_goes_on_ends_with_the_picture() -> None:
    """Grace, a back-off and readiness alike."""
    started = (0, "Started", "")
    assert timeline_of(started, (1, "Ready", ""), until=5).ready == [Span(1, 5)]
    dying = timeline_of(started, (2, "Killing", "FailedPostStartHook"), until=5)
    assert dying.grace == [Span(2, 5)]
    assert dying.ends == [End(2, "killed: FailedPostStartHook")]
    exited = (3, "Exited", "Container app exited with code 1")
    assert timeline_of(started, exited, (3, "BackOff", ""), until=5).back_off == [Span(3, 5)]
    assert timeline_of(started, exited, until=5).back_off == []


@pytest.mark.parametrize(
    ("outcome", "ended", "result"),
    [
        (Outcome(success=True), 1.2, "passed"),
        (Outcome(success=False, message="refused"), 1.2, "failed"),
        (Outcome(success=False, message="i/o timeout"), 2, "timed out"),
        (Outcome(success=None, message="no such command"), 2, "errored"),
    ],
)
def test_a_check_is_kept_with_how_it_ended(outcome: Outcome, ended: float, result: str) -> None:
    """One that failed only after its whole timeout has timed out."""
    timeline = Timeline(Container("app", (LIVENESS,)))
    timeline.check(1, ended, "liveness", outcome)
    [check] = timeline.checks["liveness"]
    assert (check.result, check.ended) == (result, ended)


def test_a_simulation_tells_of_every_check() -> None:
    """Also of those that pass, which are no events."""
    timeline = Timeline(Container("app", (LIVENESS,)))
    simulation = Simulation(
        Container("app", (LIVENESS,)),
        {"liveness": TcpSocket(9090)},
        parse("hang=3,backlog=0"),
        on_check=timeline.check,
    )
    for event in simulation.run(7):
        timeline.add(event)
    first, *_, last = timeline.checks["liveness"]
    assert first.result == "passed"
    assert last.result == "timed out"
    assert last == Check(Span(last.ended - 1, last.ended), "timed out")

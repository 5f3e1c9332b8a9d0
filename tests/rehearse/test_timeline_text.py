from __future__ import annotations

import pytest

from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Container, Event, Outcome
from tcp_probe.rehearse.timeline import Timeline
from tcp_probe.rehearse.timeline_text import timeline_text


@pytest.fixture
def timeline() -> Timeline:
    """Make one with something of everything."""
    timeline = Timeline(Container("app", (Probe("liveness"),)))
    for time, reason in [
        (0, "Started"),
        (1, "Ready"),
        (20, "Killing"),
        (25, "NotReady"),
        (25, "Exited"),
        (25, "BackOff"),
        (45, "Started"),
    ]:
        timeline.add(Event(time, "Normal", reason, "", 0))
    outcomes = (True, None, False, False)
    for time, took, success in zip((5, 10, 15, 20), (0, 0, 1, 0), outcomes, strict=True):
        timeline.check(time - took, time, "liveness", Outcome(success=success))
    timeline.close(48)
    return timeline


def test_a_timeline_is_drawn_with_characters(timeline: Timeline) -> None:
    """A lane for the container, one for readiness and one for each probe, over an axis."""
    assert timeline_text(timeline, 60).splitlines() == [
        "container  ████████████████████▒▒▒▒▒┄┄┄┄┄┄┄ 20 s ┄┄┄┄┄┄┄███",
        "ready       ━━━━━━━━━━━━━━━━━━━━━━━━",
        "liveness        •    ?    ○    ×",  # noqa: RUF001 - what is drawn
        "           0                   20 s                40 s",
        "           █ running  ▒ grace  ┄ back-off  ━ ready  × failed",  # noqa: RUF001 - likewise
        "           ○ timed out  ? errored  • passed",
    ]


def test_other_characters_stand_in_where_the_encoding_has_none(timeline: Timeline) -> None:
    """As under LANG=C."""
    assert timeline_text(timeline, 60, "ascii").splitlines() == [
        "container  ====================/////....... 20 s .......===",
        "ready       ------------------------",
        "liveness        o    ?    T    x",
        "           0                   20 s                40 s",
        "           = running  / grace  . back-off  - ready  x failed",
        "           T timed out  ? errored  o passed",
    ]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_too_long(columns: int, timeline: Timeline) -> None:
    """Whatever the width."""
    assert max(map(len, timeline_text(timeline, columns).splitlines())) <= columns


def test_of_several_checks_in_a_column_the_worst_is_shown(timeline: Timeline) -> None:
    """And what is too short for a column is shown as one."""
    timeline.check(5.1, 5.1, "liveness", Outcome(success=False))
    timeline.now = 4800
    lanes = timeline_text(timeline, 60).splitlines()
    assert lanes[0] == "container  █"
    assert lanes[2] == "liveness   \N{MULTIPLICATION SIGN}"

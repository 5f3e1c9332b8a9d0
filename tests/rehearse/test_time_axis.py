from __future__ import annotations

import pytest

from tcp_probe.rehearse.time_axis import Axis, length

DAY = 24 * 3600


def test_a_time_has_a_place() -> None:
    """What lies beyond an end is shown there."""
    axis = Axis(10, 20, 100)
    assert [axis.place(time) for time in (5, 10, 15, 20, 30)] == [0, 0, 50, 100, 100]


@pytest.mark.parametrize(
    ("ended", "labels"),
    [
        (1, ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1.0 s"]),
        (20, ["0", "5 s", "10 s", "15 s", "20 s"]),
        (100, ["0", "20 s", "40 s", "60 s", "80 s", "100 s"]),
        (420, ["0", "2 min", "4 min", "6 min"]),
        (3600, ["0", "20 min", "40 min", "60 min"]),
        (4 * 3600, ["0", "1 h", "2 h", "3 h", "4 h"]),
        (30 * DAY, ["0", "144 h", "288 h", "432 h", "576 h", "720 h"]),
    ],
)
def test_ticks_are_round_times(ended: float, labels: list[str]) -> None:
    """And no more of them than there is room for."""
    assert [label for _, label in Axis(0, ended, 100).ticks(5)] == labels


def test_an_axis_may_count_from_another_time() -> None:
    """Such as the moment of a fault."""
    ticks = Axis(90, 130, 100, zero=100).ticks(5)
    assert ticks == [(90, "-10 s"), (100, "0"), (110, "10 s"), (120, "20 s"), (130, "30 s")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.62, "0.6 s"),
        (3.0, "3 s"),
        (9.96, "10 s"),
        (25.4, "25 s"),
        (59.7, "1 min"),
        (160, "2 min 40 s"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
    ],
)
def test_a_length_is_told_as_exactly_as_it_matters(seconds: float, text: str) -> None:
    """The longer, the coarser."""
    assert length(seconds) == text

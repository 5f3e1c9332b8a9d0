from __future__ import annotations

import pytest

from tcp_probe.kubelet.versions import NEWEST, OLDEST, SINCE, Rules, parse


@pytest.mark.parametrize("text", ["1.34", "v1.34", "1.34.2"])
def test_a_version_is_read(text: str) -> None:
    """By its minor part, which is all that matters."""
    assert parse(text) == 34
    assert str(Rules(parse(text))) == "1.34"


@pytest.mark.parametrize("text", ["", "1", "2.34", "1.x", "1.²", "34"])
def test_what_is_no_version_is_told(text: str) -> None:
    """With what one looks like."""
    with pytest.raises(ValueError, match=f"a version such as 1.{NEWEST}, got {text!r}"):
        parse(text)


@pytest.mark.parametrize("minor", [OLDEST - 1, NEWEST + 1])
def test_a_version_that_is_not_known_is_told(minor: int) -> None:
    """With those that are."""
    with pytest.raises(ValueError, match=f"from 1.{OLDEST} to 1.{NEWEST}, got '1.{minor}'"):
        parse(f"1.{minor}")


def test_every_change_is_one_of_a_known_version() -> None:
    """Later than the oldest, or it would not be worth a word."""
    assert all(OLDEST < minor <= NEWEST for minor in SINCE.values())


@pytest.mark.parametrize(
    ("rules", "first", "longest"),
    [
        (Rules(), 10, 300),
        (Rules(max_restart_period=30), 10, 30),
        (Rules(max_restart_period=5), 5, 5),
        (Rules(reduced_decay=True), 1, 60),
        (Rules(reduced_decay=True, max_restart_period=20), 1, 20),
    ],
)
def test_a_node_may_shorten_the_back_off(rules: Rules, first: float, longest: float) -> None:
    """By its longest delay, or by all of them."""
    assert (rules.first_delay, rules.longest_delay) == (first, longest)

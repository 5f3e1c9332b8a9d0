from __future__ import annotations

import contextlib
from typing import Any

import pytest

import tcp_probe


@pytest.mark.parametrize("port", [1, 65535])
def test_the_first_and_the_last_port(port: int) -> None:
    """Both ends of the range of ports are ports that can be checked."""
    with contextlib.suppress(ConnectionRefusedError):
        assert tcp_probe.check(port) > 0


def test_the_longest_timeout(taken_port: int) -> None:
    """A timeout of 1e9 s, the longest that is taken, can be waited for."""
    assert tcp_probe.check(taken_port, timeout=1e9) > 0


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"port": 0}, ValueError, "port: expected 1 to 65535, got 0"),
        ({"port": 65536}, ValueError, "port: expected 1 to 65535, got 65536"),
        ({"port": "80"}, TypeError, "port: expected an int, got '80' (str)"),
        ({"port": True}, TypeError, "port: expected an int, got True (bool)"),
        ({"host": 1}, TypeError, "host: expected a text, got 1 (int)"),
        ({"timeout": "1"}, TypeError, "timeout: expected a number of seconds, got '1' (str)"),
        ({"timeout": True}, TypeError, "timeout: expected a number of seconds, got True (bool)"),
        (
            {"timeout": 0},
            ValueError,
            "timeout: expected a number of seconds above 0, at most 1e9, got 0",
        ),
        (
            {"timeout": 1000000001},
            ValueError,
            "timeout: expected a number of seconds above 0, at most 1e9, got 1000000001",
        ),
    ],
    ids=str,
)
def test_an_argument_beyond_its_bounds(
    arguments: dict[str, Any], error: type[Exception], told: str
) -> None:
    """An argument of a check that is beyond its bounds is told with what was given and expected."""
    with pytest.raises(error) as raised:
        tcp_probe.check(**{"port": 9090, **arguments})
    assert str(raised.value) == told

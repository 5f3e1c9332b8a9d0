"""What holds where a user says nothing: the figures that the documentation gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import tcp_probe
import tcp_probe.celery
from tcp_probe._defaults import STALL_SEEN_WITHIN


@pytest.mark.parametrize(
    ("function", "defaults"),
    [
        (
            tcp_probe.serve,
            {
                "host": None,
                "backlog": 2,
                "stall_timeout": 10.0,
                "condition": None,
                "interval": 10.0,
                "wait": False,
                "termination_log": "/dev/termination-log",
            },
        ),
        (tcp_probe.check, {"host": "127.0.0.1", "timeout": 1.0}),
        (tcp_probe.celery.listen, {"timeout": 60.0}),
    ],
)
def test_what_an_argument_is_by_default(
    function: Callable[..., Any], defaults: dict[str, Any]
) -> None:
    """Of every argument that may be left out the default is the one that is documented."""
    found = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    assert {name: each for name, each in found.items() if each is not inspect.Parameter.empty} == (
        defaults
    )


def test_how_soon_a_stall_is_seen() -> None:
    """The documentation of `stall_timeout` gives the figure that the pings keep to."""
    assert f"before {STALL_SEEN_WITHIN:g} times that" in str(tcp_probe.serve.__doc__)


def test_how_often_a_port_in_use_is_tried_again(
    taken_port: int, lines: Callable[[], list[str]]
) -> None:
    """With `wait` it is once a second."""
    tcp_probe.start(taken_port, wait=True).close()
    assert "is tried again every 1 s until" in lines()[0]

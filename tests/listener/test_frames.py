"""How much of where the worker stands is in the termination log."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import tcp_probe
from tcp_probe import _termination_log


def dive(levels: int) -> None:
    if not levels:
        raise ZeroDivisionError(levels)
    dive_again(levels - 1)


def dive_again(levels: int) -> None:
    dive(levels)


async def test_the_innermost_frames_of_a_deep_stack(file: Path) -> None:
    """Of a stack that does not fit, the frames nearest to the fault are shown."""
    with pytest.raises(ZeroDivisionError):
        async with tcp_probe.serve(0, termination_log=file):
            dive(60)
    text = file.read_text()
    assert 3700 < len(text) <= 4096
    heading = "it was raised at (most recent call last):\n  ...\n"
    assert f"the worker ended with ZeroDivisionError(0)\n{heading}" in text
    assert text.endswith("in dive\n    raise ZeroDivisionError(levels)\n")


async def test_two_ports_of_many_words(file: Path) -> None:
    """What two ports say is at most 4096 bytes together, with something of each."""
    async with (
        tcp_probe.serve(0, termination_log=file) as one,
        tcp_probe.serve(0, termination_log=file) as other,
    ):
        for probe in (one, other):
            with pytest.raises(ZeroDivisionError):
                dive(60)
            probe.fail("ü" * 500)
        text = file.read_bytes()
    assert len(text) <= 4096
    assert text.decode().count(" refuses checks: üüü") == 2


async def test_an_exception_in_a_group(file: Path) -> None:
    """Of a group the frames are those of the first exception in it."""
    with pytest.raises(Exception, match=r"TaskGroup|nursery"):
        async with tcp_probe.serve(0, termination_log=file), anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            dive(0)
    assert file.read_text().endswith("in dive\n    raise ZeroDivisionError(levels)\n")


async def test_an_exception_while_it_refuses(file: Path) -> None:
    """A worker that ends with an exception says so, though the port refused before."""
    with pytest.raises(ZeroDivisionError):
        async with tcp_probe.serve(0, termination_log=file) as probe:
            probe.fail("draining")
            dive(0)
    text = file.read_text()
    assert "refuses checks: draining; the worker ended with ZeroDivisionError(0)\n" in text
    assert "in dive\n" in text


def test_the_message_is_as_long_as_kubelet_keeps(file: Path) -> None:
    """Frames fill it up to 4096 bytes, of which kubelet would cut one more at the beginning."""
    message = _termination_log.TerminationMessage(str(file), 1, print)
    message.refuses("stuck", "heading" + 5000 * "\n")
    assert file.stat().st_size == 4096
    message.close()

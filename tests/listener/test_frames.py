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


REASON = "port 1 refuses checks: stuck\n"
HEADING = "stands at\n"


@pytest.mark.parametrize(("frames", "left_out"), [(4096, True), (0, False)])
def test_the_message_is_as_long_as_kubelet_keeps(
    file: Path, message: _termination_log.TerminationMessage, frames: int, *, left_out: bool
) -> None:
    """Frames that do not fit, and such that just do, fill it up to 4096 bytes and no further."""
    frames += 4096 - len(REASON + HEADING)
    message.refuses("stuck", HEADING + "\n" * frames)
    text = file.read_text()
    assert text.startswith(REASON + HEADING + ("  ...\n" if left_out else "\n"))
    assert len(text) == 4096


def test_reasons_leave_half_of_the_message_to_the_frames(
    file: Path, message: _termination_log.TerminationMessage
) -> None:
    """However many there are, where the worker stands is shown."""
    message.refuses("stuck; " * 1000, HEADING + "\n" * 5000)
    assert file.read_text().index(HEADING) == 2048


@pytest.mark.parametrize(
    ("reason", "said"), [("caf\udce9", "caf?"), ("x" + "ü" * 3000, "x" + "ü" * 1011)]
)
def test_a_reason_that_is_no_whole_text(
    file: Path, message: _termination_log.TerminationMessage, reason: str, said: str
) -> None:
    """What is no character, or only a part of the last that fits, costs no more than itself."""
    message.refuses(reason, "")
    assert file.read_text(encoding="utf-8") == f"port 1 refuses checks: {said}\n"

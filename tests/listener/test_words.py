"""What is told of a refusal, to the letter, and by whom."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import tcp_probe
from tcp_probe import _in_order

Lines = Callable[[], list[str]]
Until = Callable[..., Awaitable[None]]


@pytest.mark.parametrize(
    ("given", "told"),
    [("x" * 500, "x" * 500), ("x" * 501, f"{'x' * 500}... (1 more characters)")],
    ids=["500", "501"],
)
async def test_a_reason_of_as_many_characters(given: str, told: str) -> None:
    """Five hundred are told as they are; of one more the number is."""
    async with tcp_probe.serve(0) as probe:
        probe.fail(given)
        assert probe.reasons == (told,)


async def test_a_refusal_with_its_stack(lines: Lines, until: Until, file: Path) -> None:
    """The stack follows the reason without an empty line, in the log and in the message."""
    async with tcp_probe.serve(0, termination_log=file) as probe:
        with probe.watchdog(0.01):
            await until(lambda: len(lines()) > 1 and file.read_text())
            message = file.read_text()
        told = lines()[1]
    for text in (told, message):
        reason, where, *frames = text.splitlines()
        assert reason.endswith("refuses checks: a watchdog ran out: no reset for 0.01 s")
        assert where.endswith(" last):")
        assert all(frame.startswith("  ") for frame in frames)
    assert told == told.rstrip()


async def test_the_message_is_written_by_the_thread_that_refuses(
    until: Until, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for no other thread, which a process that is being killed may never get to run."""

    class NeverRuns(threading.Thread):
        def start(self) -> None:
            pass

    async with tcp_probe.serve(0, termination_log=file) as probe:
        with probe.watchdog(0.01):
            monkeypatch.setattr(_in_order, "Thread", NeverRuns)
            await until(file.read_text)
            monkeypatch.undo()


def test_that_the_port_cannot_listen_again_is_told_with_the_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has its traceback, once."""
    error = OSError(98, "Address already in use")

    def listen(*_: Any) -> None:
        raise error

    with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        monkeypatch.setattr(probe._port.listener, "listen", listen)
        probe.recover()
        told = [record for record in caplog.records if record.levelname == "ERROR"]
        assert [record.exc_info and record.exc_info[1] for record in told] == [error]

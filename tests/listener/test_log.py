from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio
import pytest

import tcp_probe

Checked = Callable[..., str]
Lines = Callable[[], list[str]]
Until = Callable[..., Awaitable[None]]


async def test_every_change_is_one_line_with_its_reason(lines: Lines) -> None:
    """Listening and refusing are told as they change, in order, and nothing else is."""
    async with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        probe.fail("draining still")
        probe.recover()
        probe.recover()
    assert lines() == [
        f"INFO port {probe.port} answers checks",
        f"WARNING port {probe.port} refuses checks: draining",
        f"INFO port {probe.port} answers checks",
        f"INFO port {probe.port} refuses checks: the worker has ended",
    ]


async def test_checks_are_not_logged(lines: Lines, checked: Checked, until: Until) -> None:
    """No check leaves a line, at any level."""
    async with tcp_probe.serve(0) as probe:
        before = lines()
        for count in range(1, 11):
            checked(probe.port)
            await until(lambda least: probe.checks >= least, count)
        assert lines() == before


async def test_a_condition_is_told_with_its_first_answer(lines: Lines, until: Until) -> None:
    """A readiness port says nothing before its first answer, and then what the answer was."""
    holds = False

    async def condition() -> bool:
        return holds

    async with tcp_probe.serve(0, condition=condition, interval=0.01) as probe:
        assert lines() == []
        await until(lines)
        holds = True
        await until(lambda: probe.listening)
    assert lines()[:2] == [
        f"WARNING port {probe.port} refuses checks: the condition returned False",
        f"INFO port {probe.port} answers checks",
    ]


async def test_a_condition_that_raises_is_told_with_its_traceback(
    lines: Lines, caplog: pytest.LogCaptureFixture, until: Until
) -> None:
    """The traceback is there once, however often the condition raises."""

    async def unreachable_database() -> bool:
        raise ConnectionError("no route")

    async with tcp_probe.serve(0, condition=unreachable_database, interval=0.01):
        await until(lines)
        await anyio.sleep(0.1)
        assert len(lines()) == 1
    assert caplog.text.count("in unreachable_database") == 1


async def test_refusing_from_the_start_tells_every_reason(lines: Lines) -> None:
    """A worker's own verdict before the first answer is told together with what else is open."""

    async def condition() -> bool:
        await anyio.sleep_forever()
        return True

    async with tcp_probe.serve(0, condition=condition) as probe:
        probe.fail("warming up")
        probe.recover()
    reasons = "the condition has not been answered yet; warming up"
    assert lines() == [f"WARNING port {probe.port} refuses checks: {reasons}"]


async def test_a_log_that_cannot_be_written(checked: Checked) -> None:
    """A log handler that raises neither ends the worker nor keeps the port from refusing."""

    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("disk full")

    handler = Full()
    logging.getLogger("tcp_probe").addHandler(handler)
    try:
        async with tcp_probe.serve(0) as probe:
            probe.fail("draining")
            assert checked(probe.port) == "refused"
    finally:
        logging.getLogger("tcp_probe").removeHandler(handler)


async def test_a_handler_may_ask_the_probe(until: Until) -> None:
    """Whoever writes the log may use the probe, as the lock is not held meanwhile."""
    seen: list[tuple[str, ...]] = []
    probe: tcp_probe.Probe

    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(probe.reasons)
            probe.fail("asked")

    async with tcp_probe.serve(0) as probe:
        handler = Asking()
        logging.getLogger("tcp_probe").addHandler(handler)
        try:
            with probe.watchdog(0.01):
                await until(lambda: seen)
            assert "asked" in probe.reasons
        finally:
            logging.getLogger("tcp_probe").removeHandler(handler)

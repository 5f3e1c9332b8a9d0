from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
import pytest

import tcp_probe
from tcp_probe import _in_order

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

    async with tcp_probe.serve(0, condition=condition, interval=0.3) as probe:
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
    raised = 0

    async def unreachable_database() -> bool:
        nonlocal raised
        raised += 1
        raise ConnectionError("no route")

    async with tcp_probe.serve(0, condition=unreachable_database, interval=0.1):
        await until(lambda: raised > 3)
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


@contextmanager
def handled_by(emit: Callable[[logging.LogRecord], object]) -> Iterator[None]:
    """Let `emit` take in the lines of the logger `tcp_probe`."""

    class Handler(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            emit(record)  # without the lock of a handler
            return True

    logger, handler = logging.getLogger("tcp_probe"), Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


async def test_a_log_that_cannot_be_written(checked: Checked) -> None:
    """A log handler that raises neither ends the worker nor keeps the port from refusing."""

    def full(_: logging.LogRecord) -> None:
        raise OSError("disk full")

    with handled_by(full):
        async with tcp_probe.serve(0) as probe:
            probe.fail("draining")
            assert checked(probe.port) == "refused"


async def test_a_log_that_hangs_holds_nothing_up(checked: Checked, until: Until) -> None:
    """While a handler hangs with a line of the watching thread, all is seen as before."""
    hanging, free = threading.Event(), threading.Event()
    told: list[str] = []

    def hang(record: logging.LogRecord) -> None:
        told.append(record.getMessage())
        if threading.current_thread() is not threading.main_thread():
            hanging.set()
            free.wait(20)

    with handled_by(hang):
        async with tcp_probe.serve(0) as probe:
            with probe.watchdog(0.05) as watchdog:
                await until(hanging.is_set)
                # It refuses once more only if it has listened in between.
                for count in range(2, 5):
                    watchdog.reset()
                    await until(lambda least: probe.refusals >= least, count)
                    assert checked(probe.port) == "refused"
            assert len(told) == 2
            free.set()
            await until(lambda: len(told) == 9)


def test_of_what_waits_to_be_told_the_newest_is_kept() -> None:
    """Behind a log that hangs no more than a thousand lines take up memory."""
    told: list[_in_order.News] = []
    news = [_in_order.News(logging.INFO) for _ in range(1001)]
    waiting = _in_order.InOrder(threading.RLock(), told.append, elsewhere=False)
    for each in news:
        waiting.put(each)
    waiting.run()
    assert told == news[1:]


def test_who_comes_while_another_tells_leaves_it_to_that() -> None:
    """Also a thread that came so early that it saw nobody at work."""
    told: list[_in_order.News] = []
    waiting = _in_order.InOrder(threading.RLock(), told.append, elsewhere=False)
    waiting.put(_in_order.News(logging.INFO))
    waiting._busy = True
    waiting._run()
    assert told == []


def test_a_strike_while_a_line_is_written_costs_that_line_alone() -> None:
    """What a signal handler raises there is meant for the worker; the next line is told."""
    told: list[str] = []
    strikes = [KeyboardInterrupt()]

    def struck(record: logging.LogRecord) -> None:
        if strikes:
            raise strikes.pop()
        told.append(record.getMessage().split(": ")[0])

    with tcp_probe.serve(0) as probe, handled_by(struck):
        with pytest.raises(KeyboardInterrupt):
            probe.fail("draining")
        probe.recover()
        assert told == [f"port {probe.port} answers checks"]


async def test_a_thread_that_tells_ends_with_the_process(until: Until) -> None:
    """A log that hangs does not keep a process from its end."""
    threads: list[threading.Thread] = []
    with handled_by(lambda _: threads.append(threading.current_thread())):
        async with tcp_probe.serve(0) as probe:
            with probe.watchdog(0.01):
                await until(lambda: len(threads) > 1)
    assert threads[0] is threading.main_thread()
    assert threads[1].daemon


async def test_an_end_does_not_wait_for_a_log_that_hangs(
    until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's end gives the last lines a moment, and no more."""
    monkeypatch.setattr(_in_order, "_PATIENCE", 0.1)
    hanging, free = threading.Event(), threading.Event()

    def hang(_: logging.LogRecord) -> None:
        if threading.current_thread() is not threading.main_thread():
            hanging.set()
            free.wait(60)

    with handled_by(hang):
        async with tcp_probe.serve(0) as probe:
            with probe.watchdog(0.01):
                await until(hanging.is_set)
            began = time.monotonic()
        assert time.monotonic() - began < 20
        assert not probe.listening
        free.set()


async def test_the_last_lines_are_written_before_the_worker_has_ended(until: Until) -> None:
    """A line that another thread is about to write is written when the block has been left."""
    told: list[str] = []

    def slow(record: logging.LogRecord) -> None:
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.2)
        told.append(record.getMessage())

    with handled_by(slow):
        async with tcp_probe.serve(0) as probe:
            with probe.watchdog(0.01):
                await until(lambda: not probe.listening)
        assert told[-1] == f"port {probe.port} refuses checks: the worker has ended"


async def test_a_handler_that_exits_ends_no_watch(until: Until) -> None:
    """A handler that raises SystemExit for a line of the watching thread ends nothing."""

    def exits(record: logging.LogRecord) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise SystemExit(1)

    with handled_by(exits):
        async with tcp_probe.serve(0) as probe:
            with probe.watchdog(0.05) as watchdog:
                for count in range(1, 5):
                    await until(lambda least: probe.refusals >= least, count)
                    watchdog.reset()


async def test_lines_come_in_the_order_of_what_happened(until: Until) -> None:
    """A line that takes long to write is before those of what happened meanwhile."""
    told: list[str] = []
    slow, free = threading.Event(), threading.Event()

    def write(record: logging.LogRecord) -> None:
        if "watchdog" in record.getMessage():
            slow.set()
            free.wait(20)
        told.append(record.getMessage().split(": ")[0])

    with handled_by(write):
        async with tcp_probe.serve(0) as probe:
            with probe.watchdog(0.01):
                await until(slow.is_set)
            probe.fail("draining")
            probe.recover()
            free.set()
        answers, refuses = f"port {probe.port} answers checks", f"port {probe.port} refuses checks"
        assert told == [answers, refuses] * 3


def test_a_handler_that_raises_is_none_of_the_workers(checked: Callable[[int], str]) -> None:
    """Whatever a handler raises in the worker's own thread, the worker goes on."""

    def broken(_: logging.LogRecord) -> None:
        raise ValueError("a handler")

    with tcp_probe.serve(0) as probe, handled_by(broken):
        probe.fail("draining")
        assert checked(probe.port) == "refused"


async def test_a_line_is_written_where_no_thread_can_be_started(
    until: Until, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the process may not have one thread more, the watching thread writes the line."""
    async with tcp_probe.serve(0) as probe:

        class OneTooMany(threading.Thread):
            def start(self) -> None:
                raise RuntimeError("can't start new thread")

        with probe.watchdog(0.05):
            # Not every thread: trio, run as a guest by anyio, may need one of its own meanwhile.
            monkeypatch.setattr(_in_order, "Thread", OneTooMany)
            await until(lambda: any("watchdog" in line for line in lines()))
            monkeypatch.undo()


async def test_a_handler_may_ask_the_probe(until: Until) -> None:
    """Whoever writes the log may use the probe, as the lock is not held meanwhile."""
    seen: list[tuple[str, ...]] = []
    probe: tcp_probe.Probe

    def ask(_: logging.LogRecord) -> None:
        seen.append(probe.reasons)
        probe.fail("asked")

    async with tcp_probe.serve(0) as probe:
        with handled_by(ask), probe.watchdog(0.01):
            await until(lambda: seen)
            await until(lambda: "asked" in probe.reasons)


async def test_a_reason_is_short_enough_to_read(lines: Lines) -> None:
    """Of an exception that shows megabytes the reason keeps 500 characters, and says so."""
    with pytest.raises(ValueError, match="xxx"):
        async with tcp_probe.serve(0) as probe:
            raise ValueError("x" * 1_000_000)
    assert len(probe.reasons[0]) < 550
    assert probe.reasons[0].startswith("the worker ended with ValueError('xxx")
    assert probe.reasons[0].endswith("more characters)")
    assert len(lines()[-1]) < 650


async def test_the_port_refuses_before_the_exception_is_shown(checked: Checked) -> None:
    """The repr of a worker's exception is the worker's own code, and may take its time."""
    seen = []

    class Slow(Exception):  # noqa: N818 (what it is called is not the point)
        def __repr__(self) -> str:
            seen.append((checked(probe.port), probe.reasons))
            return "Slow()"

    probe: tcp_probe.Probe
    with pytest.raises(Slow):
        async with tcp_probe.serve(0) as probe:
            raise Slow
    assert seen == [("refused", ("the worker ended with",))]
    assert probe.reasons == ("the worker ended with Slow()",)

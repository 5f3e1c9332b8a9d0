"""Watchdogs: many at once, and many resets."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from logging.handlers import BufferingHandler
from operator import itemgetter
from typing import Any

import anyio

import tcp_probe
from benchmarks.candidates import Watch
from benchmarks.processes import found_by, worker
from benchmarks.run import Columns, Results, cell, table


def measure(loop: str, sizes: Mapping[str, Any]) -> Any:
    """Measure in a process of its own."""
    counts = [sizes[each] for each in ("watchdogs", "resets", "watchdog_timeout")]
    return found_by(worker(f"nothing on {loop}", "load.watchdogs", *counts))


def report(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    text = (
        f"{sizes['watchdogs']} at once, of {sizes['watchdog_timeout']:g} s each. CPU: of one core; "
        "for the resets without what as many calls of an empty method take. Late: from the moment "
        "the first runs out until the port refuses. Log lines: of all of it, from start to end.\n"
    )
    columns: Columns = {
        "loop": itemgetter(0),
        f"reset, ns ({sizes['resets']} of one)": cell("reset_s", "{:.0f}", 1e9),
        "enter, µs each": cell("enter_s", scale=1e6),
        "leave, µs each": cell("leave_s", scale=1e6),
        "CPU while none is reset, %": cell("cpu_quiet", "{:.2f}", 100),
        "CPU of a reset of each once a second, %": cell("cpu_resets", "{:.2f}", 100),
        "late, ms": cell("late_s", "{:.0f}", 1000),
        "log lines": cell("lines", "{:.0f}"),
    }
    return f"{text}\n{table(found.items(), columns)}"


class _Empty:
    def reset(self) -> None:
        pass


async def work(_: Watch, number: str, resets: str, seconds: str) -> None:
    """Measure, and print the figures as JSON: the worker."""
    count, runs_out_after = int(number), float(seconds)
    log = BufferingHandler(sys.maxsize)
    logging.getLogger("tcp_probe").addHandler(log)
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(3600) as watchdog:
            began = time.perf_counter()
            for _reset in range(int(resets)):
                watchdog.reset()
            figures = {"reset_s": (time.perf_counter() - began) / int(resets)}
        with ExitStack() as stack:
            began = time.perf_counter()
            watchdogs = [stack.enter_context(probe.watchdog(runs_out_after)) for _ in range(count)]
            figures["enter_s"] = (time.perf_counter() - began) / count
            figures["cpu_quiet"] = await _cpu_share(anyio.sleep(0.6 * runs_out_after))
            figures["cpu_resets"] = await _cpu_share(_reset_all(watchdogs, runs_out_after))
            empty = [_Empty() for _ in range(count)]
            figures["cpu_resets"] -= await _cpu_share(_reset_all(empty, 0.3 * runs_out_after))
            first = time.monotonic()
            for watchdog in watchdogs:
                watchdog.reset()
            await _until(lambda: not probe.listening)
            figures["late_s"] = time.monotonic() - first - runs_out_after
            await _until(lambda: len(probe.reasons) == count)
            began = time.perf_counter()
        figures["leave_s"] = (time.perf_counter() - began) / count
        assert probe.listening
    print(json.dumps({**figures, "lines": len(log.buffer)}))


async def _until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not holds():  # noqa: ASYNC110 (there is no event for it)
            await anyio.sleep(0.001)


async def _reset_all(watchdogs: Sequence[Any], seconds: float) -> None:
    """Reset each once in a second, spread evenly over it."""
    step = max(1, len(watchdogs) // 50)
    next_time = anyio.current_time()
    ends = next_time + seconds
    first = 0
    while next_time < ends:
        for watchdog in watchdogs[first : first + step]:
            watchdog.reset()
        first = (first + step) % len(watchdogs)
        next_time += step / len(watchdogs)
        await anyio.sleep_until(next_time)


async def _cpu_share(does: Awaitable[None]) -> float:
    began, cpu = time.monotonic(), time.process_time()
    await does
    return (time.process_time() - cpu) / (time.monotonic() - began)

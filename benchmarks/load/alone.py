"""The listener by itself: checks back to back, TIME_WAIT, entries of `serve`, and watchdogs."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from logging.handlers import BufferingHandler
from timeit import timeit
from typing import Any

import anyio
import psutil

import tcp_probe
from benchmarks.candidates import Watch
from benchmarks.client import check
from benchmarks.processes import CLIENT_CORE, SERVER_CORE, found_by, resources, serving, worker
from benchmarks.run import Rows

_PERIOD = 0.001  # s, of the checks whose TIME_WAIT is looked for
# On loopback the kernel uses a port again after a second in TIME_WAIT, unless the address differs.
_ADDRESSES = 50


def checks(loop: str, sizes: Mapping[str, Any]) -> Rows:
    """Make checks, each after the server has closed the last one."""
    tenth = sizes["checks"] // 10
    # To wake another core for every check would take longer than the check itself.
    with serving({loop: worker(f"tcp_probe on {loop}")}, CLIENT_CORE) as servers:
        check(servers[loop], tenth, to_the_end=True)
        held, began = resources(servers[loop].pid), time.monotonic()
        check(servers[loop], 9 * tenth, to_the_end=True)
        per_s = 9 * tenth / (time.monotonic() - began)
        return {loop: {"checks/s": per_s, **resources(servers[loop].pid, held)}}


def time_wait(loop: str, sizes: Mapping[str, Any]) -> Rows:
    """Make checks, and count at once: the kernel keeps them for 60 s."""
    with serving({loop: worker(f"tcp_probe on {loop}")}, SERVER_CORE) as servers:
        port, began = servers[loop].port, time.monotonic()
        for number in range(sizes["time_wait_checks"]):
            time.sleep(max(0.0, began + number * _PERIOD - time.monotonic()))
            tcp_probe.check(port, f"127.0.0.{number % _ADDRESSES + 1}")
        found = psutil.net_connections("tcp")
    kept = [each for each in found if each.status == psutil.CONN_TIME_WAIT]
    sides = {
        "on the worker's side": [each.laddr[1:2] for each in kept].count((port,)),
        "on the client's": [each.raddr[1:2] for each in kept].count((port,)),
    }
    return {loop: sides}


def entries(loop: str, sizes: Mapping[str, Any]) -> Rows:
    """Enter and leave, in a process of its own."""
    command = worker(f"nothing on {loop}", "load.alone:enter_and_leave", sizes["entries"])
    return {loop: found_by(command)}


async def enter_and_leave(_: Watch, number: str) -> dict[str, Any]:
    """Enter and leave; return the figures: the worker."""
    tenth = int(number) // 10
    await _enter(tenth)
    held, began = resources(os.getpid()), time.perf_counter()
    await _enter(9 * tenth)
    each = (time.perf_counter() - began) / (9 * tenth)
    return {"each, µs": each * 1e6, **resources(os.getpid(), held)}


async def _enter(count: int) -> None:
    for _ in range(count):
        async with tcp_probe.serve(0):
            pass
    for thread in threading.enumerate():
        if thread.name == "tcp_probe":
            thread.join()


def watchdogs(loop: str, sizes: Mapping[str, Any]) -> Rows:
    """Enter, reset and leave watchdogs, in a process of its own."""
    counts = [sizes[each] for each in ("watchdogs", "resets", "watchdog_timeout")]
    return {loop: found_by(worker(f"nothing on {loop}", "load.alone:watch", *counts))}


async def watch(_: Watch, number: str, resets: str, seconds: str) -> dict[str, float]:
    """Measure watchdogs; return the figures: the worker."""
    count, runs_out_after = int(number), float(seconds)
    log = BufferingHandler(sys.maxsize)
    logging.getLogger("tcp_probe").addHandler(log)
    figures: dict[str, float] = {}
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(3600) as watchdog:
            took = timeit(watchdog.reset, number=int(resets))
        figures["reset, ns"] = took / int(resets) * 1e9
        with ExitStack() as stack:
            began = time.perf_counter()
            many = [stack.enter_context(probe.watchdog(runs_out_after)) for _ in range(count)]
            figures["enter, µs each"] = (time.perf_counter() - began) / count * 1e6
            quiet = await _cpu_percent(anyio.sleep(0.6 * runs_out_after))
            figures["CPU while none is reset, %"] = quiet
            resetting = await _cpu_percent(_reset_all(many, runs_out_after))
            figures["CPU while each is reset once a second, %"] = resetting
            first = time.monotonic()
            for watchdog in many:
                watchdog.reset()
            await _until(lambda: not probe.listening)
            figures["late, ms"] = (time.monotonic() - first - runs_out_after) * 1e3
            await _until(lambda: len(probe.reasons) == count)
            began = time.perf_counter()
        figures["leave, µs each"] = (time.perf_counter() - began) / count * 1e6
        assert probe.listening
    return {**figures, "log lines": len(log.buffer)}


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


async def _cpu_percent(does: Awaitable[None]) -> float:
    began, cpu = time.monotonic(), time.process_time()
    await does
    return (time.process_time() - cpu) / (time.monotonic() - began) * 100

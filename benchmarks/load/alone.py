"""The listener by itself: checks back to back, TIME_WAIT, entries of `serve`, and watchdogs."""

from __future__ import annotations

import json
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
from benchmarks import client
from benchmarks.candidates import Watch
from benchmarks.processes import CLIENT_CORE, SERVER_CORE, found_by, resources, serving, worker
from benchmarks.run import Results

_PARTS = 10
_PERIOD = 0.001  # s, of the checks whose TIME_WAIT is looked for
# On loopback the kernel uses a port again after a second in TIME_WAIT, unless the address differs.
_ADDRESSES = 50


def checks(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Make so many checks, each after the server has closed the last one; look ten times."""
    parts = []
    # To wake another core for every check would take longer than the check itself.
    with serving({loop: worker(f"tcp_probe on {loop}")}, CLIENT_CORE) as servers:
        for _ in range(_PARTS):
            began = time.monotonic()
            client.check(servers[loop], sizes["checks"] // _PARTS, to_the_end=True)
            took = time.monotonic() - began
            parts.append({"took_s": took, **resources(servers[loop].pid)})
    per_s = sizes["checks"] / sum(part["took_s"] for part in parts)
    return {loop: {"per_s": per_s, "parts": parts}}


def time_wait(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Make so many checks, one each ms, and count at once: the kernel keeps them for 60 s."""
    with serving({loop: worker(f"tcp_probe on {loop}")}, SERVER_CORE) as servers:
        port, began = servers[loop].port, time.monotonic()
        for number in range(sizes["time_wait_checks"]):
            time.sleep(max(0.0, began + number * _PERIOD - time.monotonic()))
            tcp_probe.check(port, f"127.0.0.{number % _ADDRESSES + 1}")
        found = psutil.net_connections("tcp")
    kept = [each for each in found if each.status == psutil.CONN_TIME_WAIT]
    server = sum(each.laddr[1:2] == (port,) for each in kept)
    return {loop: {"server": server, "client": sum(each.raddr[1:2] == (port,) for each in kept)}}


def entries(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Enter and leave so many times, in a process of its own."""
    command = worker(f"nothing on {loop}", "load.alone:enter_and_leave", sizes["entries"])
    return {loop: found_by(command)}


async def enter_and_leave(_: Watch, number: str) -> None:
    """Enter and leave, and print the figures as JSON: the worker."""
    parts = [await _enter(int(number) // _PARTS)]
    began, left = time.perf_counter(), int(number) - int(number) // _PARTS
    parts.append(await _enter(left))
    print(json.dumps({"each_s": (time.perf_counter() - began) / left, "parts": parts}))


async def _enter(count: int) -> dict[str, int]:
    for _ in range(count):
        async with tcp_probe.serve(0):
            pass
    for thread in threading.enumerate():
        if thread.name == "tcp_probe":
            thread.join()
    return resources(os.getpid())


def watchdogs(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Enter, reset and leave watchdogs, in a process of its own."""
    counts = [sizes[each] for each in ("watchdogs", "resets", "watchdog_timeout")]
    return {loop: found_by(worker(f"nothing on {loop}", "load.alone:watch", *counts))}


class _Empty:
    def reset(self) -> None:
        pass


async def watch(_: Watch, number: str, resets: str, seconds: str) -> None:
    """Measure watchdogs, and print the figures as JSON: the worker."""
    count, runs_out_after = int(number), float(seconds)
    log = BufferingHandler(sys.maxsize)
    logging.getLogger("tcp_probe").addHandler(log)
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(3600) as watchdog:
            figures = {"reset_s": timeit(watchdog.reset, number=int(resets)) / int(resets)}
        with ExitStack() as stack:
            began = time.perf_counter()
            many = [stack.enter_context(probe.watchdog(runs_out_after)) for _ in range(count)]
            figures["enter_s"] = (time.perf_counter() - began) / count
            figures["cpu_quiet"] = await _cpu_share(anyio.sleep(0.6 * runs_out_after))
            figures["cpu_resets"] = await _cpu_share(_reset_all(many, runs_out_after))
            empty = [_Empty() for _ in range(count)]
            figures["cpu_resets"] -= await _cpu_share(_reset_all(empty, 0.3 * runs_out_after))
            first = time.monotonic()
            for watchdog in many:
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

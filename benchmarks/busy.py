"""A worker that never rests, and what it gets done.

As the work of a worker: FILE [DELAYS], a file for by how much its tasks wake too late.
"""

from __future__ import annotations

import mmap
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel

from benchmarks.candidates import Watch
from benchmarks.processes import Server

_PAUSE = 0.005  # s between two looks at the loop's delay


def units_in(file: Path) -> memoryview:
    """Return the units of work done so far, its one item, which processes share by a file."""
    if not file.exists():
        file.write_bytes(bytes(8))
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), 0)).cast("Q")


def done(server: Server, units: memoryview, during: Callable[[], object]) -> tuple[float, float]:
    """Return the units per s of CPU time that a worker did during a call, and those s.

    What others take from the machine is not in that.
    """
    began, cpu = units[0], server.cpu_ns
    during()
    seconds = (server.cpu_ns - cpu) / 1e9
    return (units[0] - began) / seconds, seconds


async def _write_delays(file: str) -> None:
    """Write, as doubles in s, by how much later than it asked for the task wakes."""
    with open(file, "ab", buffering=0) as delays:  # noqa: ASYNC230, PTH123 (it takes 10 µs)
        while True:
            began = time.perf_counter()
            await anyio.sleep(_PAUSE)
            array("d", [time.perf_counter() - began - _PAUSE]).tofile(delays)


async def work(_: Watch, file: str, *delays: str) -> None:
    """Work."""
    units = units_in(Path(file))
    async with anyio.create_task_group() as tasks:
        for each in delays:
            tasks.start_soon(_write_delays, each)
        while True:
            # A unit of work, in a turn of the event loop of its own.
            sum(range(500))
            units[0] += 1
            await anyio.lowlevel.checkpoint()

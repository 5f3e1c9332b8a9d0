"""A worker that is busy whenever it is told to be, and what it gets done.

As the work of a worker: FILE [DELAYS], a file for by how much its tasks wake too late.
"""

from __future__ import annotations

import ctypes
import mmap
import time
from array import array
from pathlib import Path

import anyio
import anyio.lowlevel

from benchmarks.candidates import Watch

_PAUSE = 0.005  # s between two looks at the loop's delay


class Progress(ctypes.Structure):
    """What a worker is told and gets done, as the file that processes share holds it."""

    working: bool
    units: int
    # `units` are of work, done so far.
    _fields_ = (("working", ctypes.c_bool), ("units", ctypes.c_uint64))


def progress_in(file: Path) -> Progress:
    """Return the progress that a file holds; the first process makes the file."""
    if not file.exists():
        file.write_bytes(bytes(ctypes.sizeof(Progress)))
    with file.open("r+b") as opened:
        return Progress.from_buffer(mmap.mmap(opened.fileno(), 0))


async def _write_delays(file: str) -> None:
    """Write, as doubles in s, by how much later than it asked for the task wakes."""
    with open(file, "ab", buffering=0) as delays:  # noqa: ASYNC230, PTH123 (it takes 10 µs)
        while True:
            began = time.perf_counter()
            await anyio.sleep(_PAUSE)
            array("d", [time.perf_counter() - began - _PAUSE]).tofile(delays)


async def work(_: Watch, file: str, *delays: str) -> None:
    """Work whenever the file says so."""
    progress = progress_in(Path(file))
    async with anyio.create_task_group() as tasks:
        for each in delays:
            tasks.start_soon(_write_delays, each)
        while True:
            if progress.working:
                # A unit of work, in a turn of the event loop of its own.
                sum(range(500))
                progress.units += 1
                await anyio.lowlevel.checkpoint()
            else:
                await anyio.sleep(0.02)

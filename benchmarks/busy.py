"""A worker that is busy whenever it is told to be, and what it gets done.

As the work of a worker: FILE ["delays"], which is to watch by how much its tasks wake too late.
"""

from __future__ import annotations

import ctypes
import mmap
import time
from pathlib import Path

import anyio
import anyio.lowlevel

from benchmarks.candidates import Watch

_PAUSE = 0.005  # s between two looks at the loop's delay
_KEPT = 8192


class Progress(ctypes.Structure):
    """What a worker is told and gets done, as the file that processes share holds it."""

    working: bool
    units: int
    delays: int
    delayed: list[float]
    _fields_ = (
        ("working", ctypes.c_bool),
        ("units", ctypes.c_uint64),  # of work, done so far
        ("delays", ctypes.c_uint64),
        ("delayed", ctypes.c_double * _KEPT),  # the last delays of the event loop, in s
    )

    def percentiles_since(self, seen: int) -> dict[str, float]:
        """Return the percentiles of the delays after the first `seen` ones."""
        numbers = range(max(seen, self.delays - _KEPT), self.delays)
        found = sorted(self.delayed[number % _KEPT] for number in numbers)
        return {f"p{each}": found[len(found) * each // 100] for each in (50, 99) if found}


def progress_in(file: Path) -> Progress:
    """Return the progress that a file holds; the first process makes the file."""
    if not file.exists():
        file.write_bytes(bytes(ctypes.sizeof(Progress)))
    with file.open("r+b") as opened:
        return Progress.from_buffer(mmap.mmap(opened.fileno(), 0))


async def work(_: Watch, file: str, *watched: str) -> None:
    """Work whenever the file says so."""
    progress = progress_in(Path(file))

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await anyio.sleep(_PAUSE)
            progress.delayed[progress.delays % _KEPT] = time.perf_counter() - began - _PAUSE
            progress.delays += 1

    async with anyio.create_task_group() as tasks:
        if watched:
            tasks.start_soon(watch)
        while True:
            if progress.working:
                # A unit of work, in a turn of the event loop of its own.
                sum(range(500))
                progress.units += 1
                await anyio.lowlevel.checkpoint()
            else:
                await anyio.sleep(0.02)

"""A worker that never rests, and counts what it gets done where another process can read it."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.lowlevel

_FIELDS = struct.Struct("=qq")  # whether to work, units of work done


class Progress:
    """The counter of one worker, in a file that both processes map."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(_FIELDS.size))
        with file.open("r+b") as opened:
            self._fields = memoryview(mmap.mmap(opened.fileno(), _FIELDS.size)).cast("q")

    @property
    def working(self) -> bool:
        """Whether the worker is to work."""
        return bool(self._fields[0])

    @working.setter
    def working(self, working: bool) -> None:
        self._fields[0] = working

    @property
    def units(self) -> int:
        """Units of work done so far."""
        return self._fields[1]

    def count(self) -> None:
        """Count one more unit."""
        self._fields[1] += 1


async def work(progress: Progress) -> NoReturn:
    """Do unit after unit, each in a turn of the event loop of its own."""
    while True:
        if progress.working:
            sum(range(500))
            progress.count()
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.sleep(0.02)

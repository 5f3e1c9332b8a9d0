"""One candidate around a worker, in a process of its own; what it prints is what to check.

    python -m benchmarks.worker CANDIDATE [--backlog N] [--busy FILE [--delays]] [--condition NAME]

Without more it waits for ever. `--busy`: it works whenever FILE says so, and counts its work there;
`--delays`: and how late its event loop wakes a task. `--condition`: it does job after job until
SIGUSR1, when that condition of `benchmarks.faults` happens to it.
"""

from __future__ import annotations

import argparse
import mmap
import signal
import time
from importlib import import_module
from pathlib import Path

import anyio
import anyio.lowlevel

from benchmarks.candidates import CANDIDATES, Watch

_PAUSE = 0.005  # s between two looks at the loop's delay
_WORKING, _UNITS, _DELAYS = range(3)
_KEPT = 8192


class Progress:
    """What a worker gets done, and the delays of its event loop, in a file that processes share."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(8 * (3 + _KEPT)))
        with file.open("r+b") as opened:
            self._fields = memoryview(mmap.mmap(opened.fileno(), 0)).cast("d")
        self._seen = 0

    @property
    def working(self) -> bool:
        """Whether the worker is to work."""
        return bool(self._fields[_WORKING])

    @working.setter
    def working(self, working: bool) -> None:
        self._fields[_WORKING] = working

    @property
    def units(self) -> float:
        """Units of work done so far."""
        return self._fields[_UNITS]

    def count(self) -> None:
        """Count one more unit."""
        self._fields[_UNITS] += 1

    def delayed(self, seconds: float) -> None:
        """Note by how much later than asked for a task was woken."""
        at = int(self._fields[_DELAYS])
        self._fields[3 + at % _KEPT] = seconds
        self._fields[_DELAYS] = at + 1

    def delays(self) -> dict[str, float]:
        """Return the percentiles of the delays since the last call."""
        seen, self._seen = self._seen, int(self._fields[_DELAYS])
        numbers = range(max(seen, self._seen - _KEPT), self._seen)
        found = sorted(self._fields[3 + number % _KEPT] for number in numbers)
        return {f"p{each}": found[len(found) * each // 100] for each in (50, 99) if found}


async def _busy(progress: Progress, *, delays: bool) -> None:
    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await anyio.sleep(_PAUSE)
            progress.delayed(time.perf_counter() - began - _PAUSE)

    async with anyio.create_task_group() as tasks:
        if delays:
            tasks.start_soon(watch)
        while True:
            if progress.working:
                # A unit of work, in a turn of the event loop of its own.
                sum(range(500))
                progress.count()
                await anyio.lowlevel.checkpoint()
            else:
                await anyio.sleep(0.02)


async def _until_it_happens(watch: Watch, name: str) -> None:
    from benchmarks.faults.conditions import CONDITIONS, JOB

    condition = CONDITIONS[name]
    if condition.needs:
        import_module(condition.needs)
    happens = False

    def on_signal(*_: object) -> None:
        nonlocal happens
        happens = True

    signal.signal(signal.SIGUSR1, on_signal)
    while not happens:
        with watch():
            await anyio.sleep(JOB)
    await condition.happen(watch)


def main() -> None:
    """Work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("candidate", choices=CANDIDATES)
    parser.add_argument("--backlog", type=int)
    parser.add_argument("--busy", type=Path)
    parser.add_argument("--delays", action="store_true")
    parser.add_argument("--condition")
    given = parser.parse_args()

    async def work(watch: Watch) -> None:
        if given.busy:
            await _busy(Progress(given.busy), delays=given.delays)
        elif given.condition:
            await _until_it_happens(watch, given.condition)
        else:
            # Not sleep_forever(): on asyncio that is a timer, and makes every turn cost more.
            await anyio.Event().wait()

    CANDIDATES[given.candidate].run(work, lambda told: print(told, flush=True), given.backlog)


if __name__ == "__main__":
    main()

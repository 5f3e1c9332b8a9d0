"""A worker that never rests, and its checks, while others load it."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.busy import Progress, progress_in
from benchmarks.candidates import CANDIDATES
from benchmarks.checks import check, checks
from benchmarks.processes import SERVER_CORE, Server, serving, worker
from benchmarks.run import Results


@dataclass(frozen=True)
class Loaded:
    """A server whose worker never rests, and the file that tells the delays of its loop."""

    server: Server
    progress: Progress
    delays: Path

    def check_for(self, seconds: float) -> Results:
        """Check once in a second for so long.

        Returns what the worker got done meanwhile: units of its work a second and per second of its
        process's CPU time (what others take from the machine is not in that), and the delays of its
        loop in s; and how the checks went.
        """
        seen = self.delays.stat().st_size
        began, cpu, units = time.monotonic(), self.server.cpu_ns, self.progress.units
        found = asyncio.run(self._check_until(began + seconds))
        took, used = time.monotonic() - began, (self.server.cpu_ns - cpu) / 1e9
        units = self.progress.units - units
        delays = sorted(array("d", self.delays.read_bytes()[seen:]))
        return {
            "units_per_second": units / took,
            "units_per_cpu_second": units / used,
            "delays": {
                f"p{each}": delays[len(delays) * each // 100] for each in (50, 99) if delays
            },
            "checks": {**found, "killed": found["killed"] > 0},
        }

    async def _check_until(self, ends: float) -> Counter[str]:
        found = Counter(passed=0, failed=0, killed=0)
        async for outcome, kills in checks(partial(check, self.server.told), ends):
            passes = outcome.success is True
            found.update(passed=passes, failed=not passes, killed=kills)
        await asyncio.sleep(ends - time.monotonic())
        return found


@contextmanager
def loaded(name: str) -> Iterator[Loaded]:
    """Run a candidate, with the backlog of its defaults, on the servers' core."""
    with TemporaryDirectory() as folder:
        file, delays = Path(folder, "progress"), Path(folder, "delays")
        progress = progress_in(file)
        progress.working = True
        delays.touch()
        command = worker(name, "busy", file, delays, backlog=CANDIDATES[name].backlog)
        with serving({name: command}, SERVER_CORE, quiet=True) as servers:
            yield Loaded(servers[name], progress, delays)


def passed(row: tuple[str, Any]) -> str:
    """Show how many of the checks of a row passed."""
    checks = row[1].get("checks")
    return f"{checks['passed']} of {checks['passed'] + checks['failed']}" if checks else ""

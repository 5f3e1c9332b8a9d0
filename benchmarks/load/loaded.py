"""A worker that never rests, and its checks, while others load it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from benchmarks.busy import Progress, progress_in
from benchmarks.candidates import CANDIDATES
from benchmarks.faults.checker import handler
from benchmarks.processes import SERVER_CORE, Server, serving, worker
from benchmarks.run import Results
from tcp_probe.rehearse.checks import run_check

PERIOD = 1.0  # s
FAILURES_IN_A_ROW = 3


@dataclass(frozen=True)
class Loaded:
    """A server whose worker never rests."""

    server: Server
    progress: Progress

    def check_for(self, seconds: float) -> Results:
        """Check once in a second for so long.

        Returns what the worker got done meanwhile: units of its work a second and per second of its
        process's CPU time (what others take from the machine is not in that), and the delays of its
        loop in s; and how the checks went.
        """
        progress, seen = self.progress, self.progress.delays
        began, cpu, units = time.monotonic(), self.server.cpu_ns, progress.units
        runs = anyio.run(self._checks, seconds)
        took, used = time.monotonic() - began, (self.server.cpu_ns - cpu) / 1e9
        units = progress.units - units
        return {
            "units_per_second": units / took,
            "units_per_cpu_second": units / used,
            "delays": progress.percentiles_since(seen),
            "checks": {
                "passed": runs.count("."),
                "failed": runs.count("x"),
                "killed": "x" * FAILURES_IN_A_ROW in runs,
            },
        }

    async def _checks(self, seconds: float) -> str:
        ends = anyio.current_time() + seconds
        runs = ""
        while (now := anyio.current_time()) < ends:
            outcome = await run_check(handler(self.server.told), PERIOD, os.environ)
            runs += "." if outcome.success is True else "x"
            await anyio.sleep_until(min(now + PERIOD, ends))
        return runs


@contextmanager
def loaded(name: str, folder: Path) -> Iterator[Loaded]:
    """Run a candidate, with the backlog of its defaults, on the servers' core."""
    file = folder / f"load {name}"
    progress = progress_in(file)
    progress.working = True
    command = worker(name, "busy", file, "delays", backlog=CANDIDATES[name].backlog)
    with serving({name: command}, SERVER_CORE, quiet=True) as servers:
        yield Loaded(servers[name], progress)


def passed(row: tuple[str, Any]) -> str:
    """Show how many of the checks of a row passed."""
    checks = row[1].get("checks")
    return f"{checks['passed']} of {checks['passed'] + checks['failed']}" if checks else ""

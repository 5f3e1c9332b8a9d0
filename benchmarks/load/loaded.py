"""A worker that never rests, and its checks, while others load it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from benchmarks.candidates import CANDIDATES
from benchmarks.faults.checker import handler
from benchmarks.processes import Server, module, serving
from benchmarks.run import SERVER_CORE
from benchmarks.worker import Progress
from tcp_probe.rehearse.checks import run_check

PERIOD = 1.0  # s
FAILURES_IN_A_ROW = 3


class Loaded:
    """A server whose worker never rests."""

    def __init__(self, server: Server, progress: Progress) -> None:
        self.server = server
        self._progress = progress
        progress.working = True

    def check_for(self, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Check once in a second for so long.

        Returns what the worker got done meanwhile: units of its work a second and per second of its
        process's CPU time (what others take from the machine is not in that), and the delays of its
        loop in s; and how the checks went.
        """
        self._progress.delays()
        began, cpu, units = time.monotonic(), self.server.cpu_ns, self._progress.units
        outcomes = anyio.run(self._checks, seconds)
        took, used = time.monotonic() - began, (self.server.cpu_ns - cpu) / 1e9
        units = self._progress.units - units
        runs = "".join("." if each else "x" for each in outcomes)
        work = {
            "units_per_second": units / took,
            "units_per_cpu_second": units / used,
            "delays": self._progress.delays(),
        }
        checks = {
            "passed": outcomes.count(True),
            "failed": outcomes.count(False),
            "killed": "x" * FAILURES_IN_A_ROW in runs,
        }
        return work, checks

    async def _checks(self, seconds: float) -> list[bool]:
        ends = anyio.current_time() + seconds
        outcomes = []
        while (now := anyio.current_time()) < ends:
            outcome = await run_check(handler(self.server.told), PERIOD, os.environ)
            outcomes.append(outcome.success is True)
            await anyio.sleep_until(min(now + PERIOD, ends))
        return outcomes


@contextmanager
def loaded(name: str, folder: Path) -> Iterator[Loaded]:
    """Run a candidate, with the backlog of its defaults, on the servers' core."""
    file = folder / f"load {name}"
    progress = Progress(file)
    backlog = CANDIDATES[name].backlog
    command = module("worker", name, "--backlog", backlog, "--busy", file, "--delays")
    with serving({name: command}, SERVER_CORE, quiet=True) as servers:
        yield Loaded(servers[name], progress)

"""A candidate under load, in a process of its own, and the checks that kubelet would make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.accounting import cpu_ns
from benchmarks.load.cores import SERVER_CORE
from benchmarks.load.server import FLOODED
from benchmarks.machine import pin
from benchmarks.processes import ROOT
from benchmarks.worker import Progress
from tcp_probe.kubelet.handlers import Handler, HttpGet, TcpSocket
from tcp_probe.rehearse.checks import run_check

PERIOD = 1.0  # s
FAILURES_IN_A_ROW = 3


@dataclass(frozen=True)
class Work:
    """What a worker got done."""

    units_per_second: float
    units_per_cpu_second: float  # of its process: what others take from the machine is not in it
    delays: dict[str, float]  # of its loop, in s


@dataclass(frozen=True)
class Checked:
    """How the checks of kubelet went."""

    passed: int
    failed: int
    killed: bool


class Loaded:
    """A server whose worker never rests."""

    def __init__(self, name: str, process: subprocess.Popen[str], progress: Progress) -> None:
        self.pid = process.pid
        self._process = process
        self._progress = progress
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self._handler: Handler = TcpSocket(self.port)
        if FLOODED[name].check == "http":
            self._handler = HttpGet(self.port, path="/healthz")
        progress.working = True

    def check_for(self, seconds: float) -> tuple[Work, Checked]:
        """Check once in a second for so long, and see what the worker gets done meanwhile."""
        self._delays()
        began, cpu, units = time.monotonic(), cpu_ns(self.pid), self._progress.units
        outcomes = anyio.run(self._checks, seconds)
        took, used = time.monotonic() - began, (cpu_ns(self.pid) - cpu) / 1e9
        units = self._progress.units - units
        runs = "".join("." if each else "x" for each in outcomes)
        checked = Checked(
            outcomes.count(True), outcomes.count(False), "x" * FAILURES_IN_A_ROW in runs
        )
        return Work(units / took, units / used, self._delays()), checked

    async def _checks(self, seconds: float) -> list[bool]:
        ends = anyio.current_time() + seconds
        outcomes = []
        while (now := anyio.current_time()) < ends:
            outcome = await run_check(self._handler, PERIOD, os.environ)
            outcomes.append(outcome.success is True)
            await anyio.sleep_until(min(now + PERIOD, ends))
        return outcomes

    def _delays(self) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        delays: dict[str, float] = json.loads(self._process.stdout.readline())
        return delays


@contextmanager
def loaded(name: str, folder: Path) -> Iterator[Loaded]:
    """Run a candidate on the servers' core."""
    file = folder / f"progress-{name}"
    progress = Progress(file)
    command = [sys.executable, "-m", "benchmarks.load.server", name, str(file)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            server = Loaded(name, process, progress)
            pin(process.pid, SERVER_CORE)
            yield server
        finally:
            process.kill()

"""Checks one worker as kubelet does, from before the condition until it would be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.streams.text import TextReceiveStream

from benchmarks.faults.candidates import handler
from benchmarks.faults.conditions import Condition
from tcp_probe.kubelet.handlers import Handler
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome, RunCheck
from tcp_probe.rehearse.checks import run_check
from tcp_probe.rehearse.processes import kill_group

ROOT = Path(__file__).parents[2]
PROBE = Probe("liveness", period=1, timeout=1, failure_threshold=3)
# In kubelet's time, whose checks here are due 0.6 s after its start and then every second: the
# condition comes half a period before a check.
HAPPENS_AT = 3.1  # s
_START_LIMIT = 120.0  # s, where a hundred workers start at once


@dataclass(frozen=True)
class Cell:
    """One condition and one candidate."""

    candidate: str
    condition: Condition


@dataclass(frozen=True)
class Verdict:
    """What kubelet made of a worker.

    `killed_after` is in seconds from the condition on, None where it would not have been killed.
    """

    killed_after: float | None
    checks: int
    failed: int
    last_failure: str


@asynccontextmanager
async def running(cell: Cell) -> AsyncIterator[tuple[int, Handler]]:
    """Run the worker of a cell; yield its process and what to check."""
    command = [sys.executable, "-m", "benchmarks.faults.worker", cell.candidate]
    process = await anyio.open_process(
        [*command, cell.condition.name],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        told = ""
        with anyio.fail_after(_START_LIMIT):
            async for text in TextReceiveStream(process.stdout):
                told += text
                if told.endswith("\n"):
                    break
        assert told, f"{cell} did not start"
        yield process.pid, handler(told.strip())
    finally:
        kill_group(process.pid)
        with anyio.CancelScope(shield=True):
            await process.aclose()


async def judge(pid: int, checked: Handler, clients: int, limit: float) -> Verdict:
    """Check a worker until kubelet would kill it, or for `limit` seconds after the condition."""
    began = anyio.current_time()

    def now() -> float:
        return anyio.current_time() - began

    outcomes: list[Outcome] = []
    kubelet = Kubelet(Container("worker", (PROBE,)))
    kubelet.start(now())
    steps = kubelet.started(now())
    happened_at: float | None = None
    while True:
        for step in steps:
            if isinstance(step, Event) and step.reason == "Killing":
                return _verdict(step.time - (happened_at or 0.0), outcomes)
        if happened_at is not None and now() > happened_at + limit:
            return _verdict(None, outcomes)
        if any(isinstance(step, RunCheck) for step in steps):
            at_once = await _at_once(checked, clients)
            outcomes += at_once
            steps = kubelet.checked(now(), "liveness", at_once[0])
            continue
        wake_at = kubelet.next_wake
        if happened_at is None and wake_at > HAPPENS_AT:
            await anyio.sleep(HAPPENS_AT - now())
            happened_at = now()
            os.kill(pid, signal.SIGUSR1)
        await anyio.sleep(wake_at - now())
        steps = kubelet.wake(now())


async def _at_once(checked: Handler, clients: int) -> list[Outcome]:
    """Make the same check from many clients at once; kubelet's own comes first."""
    outcomes: dict[int, Outcome] = {}

    async def check(client: int) -> None:
        outcomes[client] = await run_check(checked, PROBE.timeout, os.environ)

    async with anyio.create_task_group() as tasks:
        for client in range(clients):
            tasks.start_soon(check, client)
    return [outcomes[client] for client in range(clients)]


def _verdict(killed_after: float | None, outcomes: list[Outcome]) -> Verdict:
    failures = [outcome.message for outcome in outcomes if not outcome.success]
    return Verdict(killed_after, len(outcomes), len(failures), failures[-1] if failures else "")

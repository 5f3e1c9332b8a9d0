"""Checks one worker as kubelet does, from before the condition until it would be killed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import anyio

from benchmarks.processes import Server
from tcp_probe.kubelet.handlers import Exec, Handler, HttpGet, TcpSocket
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome, RunCheck
from tcp_probe.rehearse.checks import run_check

PROBE = Probe("liveness", period=1, timeout=1, failure_threshold=3)
# In kubelet's time, whose checks here are due 0.85 s after its start and then every second: the
# condition comes half a period before a check.
HAPPENS_AT = 3.35  # s


@dataclass(frozen=True)
class Verdict:
    """What kubelet made of a worker.

    `killed_after` is in seconds from the condition on, None where it would not have been killed.
    """

    killed_after: float | None
    checks: int
    failed: int
    last_failure: str


def handler(told: str) -> Handler:
    """Return the probe handler for what a worker has told."""
    kind, _, rest = told.partition(" ")
    if kind == "exec":
        return Exec(("sh", "-c", rest))
    return TcpSocket(int(rest)) if kind == "tcp" else HttpGet(int(rest), path="/healthz")


async def judge(server: Server, clients: int, limit: float) -> Verdict:
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
            # A killed worker that nobody has asked after has its PID still, as a zombie.
            server.process.poll()
            at_once = await _at_once(handler(server.told), clients)
            outcomes += at_once
            steps = kubelet.checked(now(), "liveness", at_once[0])
            continue
        wake_at = kubelet.next_wake
        if happened_at is None and wake_at > HAPPENS_AT:
            await anyio.sleep(max(0.0, HAPPENS_AT - now()))
            happened_at = now()
            os.kill(server.pid, signal.SIGUSR1)
        await anyio.sleep(max(0.0, wake_at - now()))
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
    failures = [each.message for each in outcomes if each.success is False]
    rounded = None if killed_after is None else round(killed_after, 2)
    return Verdict(rounded, len(outcomes), len(failures), ["", *failures][-1])

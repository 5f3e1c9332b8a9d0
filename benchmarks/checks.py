"""Checks of a worker as kubelet makes them, by its own rules."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from math import inf

import anyio

from tcp_probe.kubelet.handlers import Exec, Handler, HttpGet, TcpSocket
from tcp_probe.kubelet.prober import Probe, Prober
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.checks import run_check

PROBE = Probe("liveness", period=1, timeout=1, failure_threshold=3)


async def check(told: str) -> Outcome:
    """Check what a worker has told of itself."""
    kind, _, rest = told.partition(" ")
    handler: Handler = Exec(("sh", "-c", rest))
    if kind != "exec":
        handler = TcpSocket(int(rest)) if kind == "tcp" else HttpGet(int(rest), path="/healthz")
    return await run_check(handler, PROBE.timeout, os.environ)


async def checks(
    make: Callable[[], Awaitable[Outcome]], begins: float, ends: float, probe: Probe = PROBE
) -> AsyncIterator[tuple[Outcome, bool]]:
    """Make one check after the other; yield how it went, and whether kubelet kills for it."""
    prober = Prober(probe, begins - probe.period)
    while prober.next_tick < ends:
        await anyio.sleep_until(prober.next_tick)
        prober.poll(anyio.current_time(), inf, started=True)
        outcome = await make()
        while outcome.success is None and prober.tries_again():
            outcome = await make()
        kills = False
        if outcome.success is None:
            prober.abandon()
        else:
            kills = prober.finish(success=outcome.success)
        yield outcome, kills
        if kills:
            prober.container_started(anyio.current_time())


async def count_checks(
    make: Callable[[], Awaitable[Outcome]],
    counts: Counter[str],
    begins: float,
    ends: float,
    probe: Probe = PROBE,
) -> None:
    """Make checks all that time; count them, those that fail, and those that kubelet kills for."""
    async for outcome, kills in checks(make, begins, ends, probe):
        counts.update(checks=1, failed=int(not outcome.success), kills=int(kills))

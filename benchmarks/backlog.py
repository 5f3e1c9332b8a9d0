"""Healthy workers that would be killed, and checks that would fail, for each backlog.

Every worker is busy 50 ms of every 100 ms. A process that stands still passes backlog + 1 checks,
so the least backlog that never kills is the right one. Takes 8 min.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import anyio

import tcp_probe
from benchmarks.candidates import LOOPS, Watch
from benchmarks.checks import PROBE, count_checks
from benchmarks.faults.conditions import busy
from benchmarks.processes import serving, worker
from benchmarks.run import Rows, Tables, run, say
from tcp_probe.kubelet.steps import Outcome

THREAD = "a thread"
SIZES = {  # in full, and in a quick run
    "loops": ([*LOOPS, THREAD], ["asyncio"]),
    "backlogs": ([0, 1, 2, 3, 4], [0, 2]),
    "ports": (8, 1),  # with clients of their own, for each backlog, moment and timeout
    "seconds": (120.0, 3.0),
}
TITLE = "Kills of a healthy worker / share of its checks that failed, % / checks"
MOMENTS = {"3 at the same instant": (3, False), "6 at moments of their own": (6, True)}
TIMEOUTS = (1.0, 2.0)  # s; a period is as long as its timeout

Kind = tuple[str, float, int]  # moments, timeout, backlog


def measure(sizes: Mapping[str, Any]) -> Tables:
    """Check every backlog, with every event loop, at the same time."""
    kinds = list(product(MOMENTS, TIMEOUTS, sizes["backlogs"])) * sizes["ports"]
    found: Rows = defaultdict(dict)
    for loop in sizes["loops"]:
        say(loop)
        on = "asyncio" if loop == THREAD else loop
        backlogs = [backlog for *_, backlog in kinds]
        with serving({loop: worker(f"nothing on {on}", "backlog", loop, *backlogs)}) as servers:
            ports = map(int, servers[loop].stdout.readline().split())
            counts = asyncio.run(_check_all(zip(kinds, ports, strict=True), sizes["seconds"]))
        for (moments, timeout, backlog), count in counts.items():
            row = found[f"{loop}, {moments}, {timeout:g} s"]
            share = 100 * count["failed"] / count["checks"]
            row[f"backlog {backlog}"] = [count["kills"], share, count["checks"]]
    return {TITLE: found}


async def _check_all(
    checked: Iterable[tuple[Kind, int]], seconds: float
) -> dict[Kind, Counter[str]]:
    """Check each port with clients of its own; return how it went for each kind."""
    found: dict[Kind, Counter[str]] = defaultdict(Counter)
    begin = asyncio.get_running_loop().time() + 1
    clients = []
    for kind, port in checked:
        moments, timeout, _ = kind
        number, own = MOMENTS[moments]
        probe = replace(PROBE, period=timeout, timeout=timeout)
        check = partial(_check, port, timeout)
        begins = begin + random.uniform(0, timeout)  # noqa: S311 (no secret)
        for _ in range(number):
            if own:
                begins = begin + random.uniform(0, timeout)  # noqa: S311 (likewise)
            clients.append(count_checks(check, found[kind], begins, begin + seconds, probe))
    await asyncio.gather(*clients)
    return found


async def _check(port: int, limit: float) -> Outcome:
    """Connect and close: seven hundred clients in a process can't afford what `check` takes."""
    with socket.socket() as client, suppress(OSError), anyio.move_on_after(limit):
        client.settimeout(0)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        return Outcome(success=True)
    return Outcome(success=False)


async def work(watch: Watch, loop: str, *backlogs: str) -> None:
    """Listen with each backlog and be busy: the worker."""
    serves = [tcp_probe.serve(0, backlog=int(each), stall_timeout=None) for each in backlogs]
    async with AsyncExitStack() as stack:
        if loop == THREAD:
            probes = [stack.enter_context(each) for each in serves]
        else:
            probes = [await stack.enter_async_context(each) for each in serves]
        print(*(probe.port for probe in probes), flush=True)
        await busy(watch)


if __name__ == "__main__":
    run("backlog", __doc__, SIZES, measure, {TITLE: "By loop, clients and their timeout."})

"""Healthy workers that would be killed, and checks that would fail, for each backlog.

The worker is busy 50 ms of every 100 ms. Clients check each of its ports as kubelet does: a connect
with a timeout, closed at once, one at a time. Three of a client's checks that fail in a row are a
kill. Either three clients check at the same instant, or six at moments of their own; the timeout is
1 s, with a period of 1 s, or 2 s, with a period of 2 s. A process that stands still passes
backlog + 1 checks, so the least backlog that never kills is the right one. Takes 9 min.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import Any

import anyio

import tcp_probe
from benchmarks.candidates import LOOPS, Watch
from benchmarks.faults.conditions import busy
from benchmarks.processes import serving, worker
from benchmarks.run import Results, run, say, table

THREAD = "a thread"
SIZES = {  # in full, and in a quick run
    "loops": ([*LOOPS, THREAD], ["asyncio"]),
    "backlogs": ([0, 1, 2, 3, 4], [0, 2]),
    "ports": (8, 1),  # with clients of their own, for each backlog, moment and timeout
    "seconds": (120.0, 3.0),
}
MOMENTS = {"3 at the same instant": (3, False), "6 at moments of their own": (6, True)}
TIMEOUTS = (1.0, 2.0)  # s; a period is as long as its timeout
FAILURES_IN_A_ROW = 3

Kind = tuple[str, float, int]  # moments, timeout, backlog
Counts = Counter[str]


def measure(sizes: Mapping[str, Any], _: Path) -> Results:
    """Check every backlog, with every event loop, at the same time."""
    kinds = list(product(MOMENTS, TIMEOUTS, sizes["backlogs"])) * sizes["ports"]
    found = []
    for loop in sizes["loops"]:
        say(loop)
        on = "asyncio" if loop == THREAD else loop
        backlogs = [backlog for *_, backlog in kinds]
        with serving({loop: worker(f"nothing on {on}", "backlog", loop, *backlogs)}) as servers:
            ports = map(int, servers[loop].stdout.readline().split())
            counts = asyncio.run(_check_all(zip(kinds, ports, strict=True), sizes["seconds"]))
        for (moments, timeout, backlog), count in counts.items():
            kind = {"loop": loop, "moments": moments, "timeout": timeout, "backlog": backlog}
            found.append({**kind, **count})
    return {"found": found}


async def _check_all(checked: Iterable[tuple[Kind, int]], seconds: float) -> dict[Kind, Counts]:
    """Check each port with clients of its own; return how it went for each kind."""
    found: dict[Kind, Counts] = defaultdict(lambda: Counter(checks=0, failed=0, kills=0))
    begin = asyncio.get_running_loop().time() + 1
    clients = []
    for kind, port in checked:
        moments, timeout, _ = kind
        number, own = MOMENTS[moments]
        dues = [begin + random.uniform(0, timeout) for _ in range(number)]  # noqa: S311 (no secret)
        clients += [
            _client(port, timeout, dues[own * each], begin + seconds, found[kind])
            for each in range(number)
        ]
    await asyncio.gather(*clients)
    return found


async def _client(port: int, period: float, due: float, end: float, count: Counts) -> None:
    loop = asyncio.get_running_loop()
    in_a_row = 0
    while due < end:
        await asyncio.sleep(due - loop.time())
        passed = False
        with socket.socket() as check:
            check.settimeout(0)
            with suppress(OSError), anyio.move_on_after(period):
                await loop.sock_connect(check, ("127.0.0.1", port))
                passed = True
        in_a_row = 0 if passed else in_a_row + 1
        count.update(checks=1, failed=not passed, kills=in_a_row == FAILURES_IN_A_ROW)
        in_a_row %= FAILURES_IN_A_ROW
        while due <= loop.time():
            due += period


def markdown(results: Results) -> str:
    """Return the table: kills, and the share of the checks that failed."""
    rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in results["found"]:
        share = each["failed"] / max(each["checks"], 1)
        row = rows[each["loop"], each["moments"], f"{each['timeout']:g}"]
        row.append(f"{each['kills']} ({share:.1%})")
    backlogs = [f"backlog {backlog}" for backlog in results["sizes"]["backlogs"]]
    heads = ["loop", "clients", "timeout, s", *backlogs]
    columns = {head: itemgetter(at) for at, head in enumerate(heads)}
    checks = min(each["checks"] for each in results["found"])
    return (
        f"Kills of a healthy worker, and the share of its checks that failed; of {checks} checks "
        f"or more each.\n\n{table([(*kind, *row) for kind, row in rows.items()], columns)}"
    )


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
    run("backlog", __doc__, SIZES, measure, markdown)

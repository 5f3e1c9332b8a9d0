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
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import product
from pathlib import Path
from typing import Any

import anyio

import tcp_probe
from benchmarks.candidates import LOOPS, Watch
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
CYCLE, BUSY = 0.1, 0.05  # s


def measure(sizes: Mapping[str, Any], _: Path) -> Results:
    """Check every backlog, with every event loop, at the same time."""
    kinds = list(product(sizes["backlogs"], MOMENTS, TIMEOUTS, range(sizes["ports"])))
    found = []
    for loop in sizes["loops"]:
        say(loop)
        backlogs = [backlog for backlog, *_ in kinds]
        on = "asyncio" if loop == THREAD else loop
        with serving({loop: worker(f"nothing on {on}", "backlog", loop, *backlogs)}) as servers:
            output = servers[loop].process.stdout
            assert output
            checked = list(zip(kinds, map(int, output.readline().split()), strict=True))
            counts = asyncio.run(_check_all(checked, sizes["seconds"]))
        for (backlog, moments, timeout), count in counts.items():
            kind = {"loop": loop, "moments": moments, "timeout": timeout, "backlog": backlog}
            found.append(kind | {each: count[each] for each in ("checks", "failed", "kills")})
    return {"found": found}


async def _check_all(checked: Sequence[tuple[Any, int]], seconds: float) -> dict[Any, Counter[str]]:
    """Check each port with clients of its own; return how it went for each kind."""
    found: dict[Any, Counter[str]] = defaultdict(Counter)
    begin = asyncio.get_running_loop().time() + 1
    clients = []
    for (*kind, _), port in checked:
        number, own = MOMENTS[kind[1]]
        timeout, count = kind[2], found[tuple(kind)]
        phases = [random.uniform(0, timeout) for _ in range(number)]  # noqa: S311 (no secret)
        for each in range(number):
            due = begin + phases[own * each]
            clients.append(_client(port, timeout, due, begin + seconds, count))
    await asyncio.gather(*clients)
    return found


async def _client(port: int, period: float, due: float, end: float, count: Counter[str]) -> None:
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
    rows: dict[tuple[str, ...], dict[int, str]] = {}
    for each in results["found"]:
        row = rows.setdefault((each["loop"], each["moments"], f"{each['timeout']:g}"), {})
        share = each["failed"] / max(each["checks"], 1)
        row[each["backlog"]] = f"{each['kills']} ({share:.1%})"
    columns: dict[str, Any] = {
        head: lambda row, at=at: row[0][at]
        for at, head in enumerate(("loop", "clients", "timeout, s"))
    }
    for backlog in results["sizes"]["backlogs"]:
        columns[f"backlog {backlog}"] = lambda row, backlog=backlog: row[1][backlog]
    checks = min(each["checks"] for each in results["found"])
    return (
        f"Kills of a healthy worker, and the share of its checks that failed; of {checks} checks "
        f"or more each.\n\n{table(rows.items(), columns)}"
    )


async def work(_: Watch, loop: str, *backlogs: str) -> None:
    """Listen with each backlog and be busy: the worker."""
    async with AsyncExitStack() as stack:
        ports = []
        for backlog in backlogs:
            serve = tcp_probe.serve(0, backlog=int(backlog), stall_timeout=None)
            if loop == THREAD:
                probe = stack.enter_context(serve)
            else:
                probe = await stack.enter_async_context(serve)
            ports.append(probe.port)
        print(*ports, flush=True)
        while True:
            ends = time.perf_counter() + BUSY
            while time.perf_counter() < ends:
                pass
            await anyio.sleep(CYCLE - BUSY)


if __name__ == "__main__":
    run("backlog", __doc__, SIZES, measure, markdown)

"""Healthy workers that would be killed, and checks that would fail, for each backlog.

The worker is busy 50 ms of every 100 ms. Clients check each of its ports as kubelet does: a connect
with a timeout, closed at once, one at a time. Three of a client's checks that fail in a row are a
kill. Either three clients check at the same instant, or six at moments of their own; the timeout is
1 s, with a period of 1 s, or 2 s, with a period of 2 s. A process that stands still passes
backlog + 1 checks, so the least backlog that never kills is the right one. Takes 9 min.
"""

from __future__ import annotations

import random
import selectors
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
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
TIMEOUTS = (1.0, 2.0)  # s; a period is as long
FAILURES_IN_A_ROW = 3
CYCLE, BUSY = 0.1, 0.05  # s


@dataclass
class Client:
    """One that checks: when it does so next, and how its checks went."""

    port: int
    timeout: float
    due: float
    checks: int = 0
    failed: int = 0
    kills: int = 0
    in_a_row: int = 0

    def ended(self, now: float, *, passed: bool) -> None:
        """Count a check."""
        self.checks += 1
        self.failed += not passed
        self.in_a_row = 0 if passed else self.in_a_row + 1
        if self.in_a_row == FAILURES_IN_A_ROW:
            self.kills += 1
            self.in_a_row = 0
        while self.due <= now:
            self.due += self.timeout


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
            ports = map(int, output.readline().split())
            begin = time.monotonic() + 1
            groups: dict[tuple[Any, ...], list[Client]] = {kind[:3]: [] for kind in kinds}
            for (*kind, _number), port in zip(kinds, ports, strict=True):
                groups[tuple(kind)] += _clients(port, kind[1], kind[2], begin)
            every = [client for group in groups.values() for client in group]
            check_until(begin + sizes["seconds"], every)
        for (backlog, moments, timeout), group in groups.items():
            row = {"loop": loop, "moments": moments, "timeout": timeout, "backlog": backlog}
            for figure in ("checks", "failed", "kills"):
                row[figure] = sum(getattr(client, figure) for client in group)
            found.append(row)
    return {"found": found}


def _clients(port: int, moments: str, timeout: float, begin: float) -> list[Client]:
    number, own = MOMENTS[moments]
    phases = [random.uniform(0, timeout) for _ in range(number)]  # noqa: S311 (no secret)
    return [Client(port, timeout, begin + phases[own * each]) for each in range(number)]


def check_until(end: float, clients: Sequence[Client]) -> None:
    """Check, also many at a time, and count what has ended."""
    resting = list(clients)
    with selectors.DefaultSelector() as under_way:
        while (now := time.monotonic()) < end:
            for client in [each for each in resting if each.due <= now]:
                resting.remove(client)
                begun = socket.socket()
                begun.settimeout(0)
                begun.connect_ex(("127.0.0.1", client.port))
                under_way.register(begun, selectors.EVENT_WRITE, (client, now + client.timeout))
            writable = {key.fileobj for key, _ in under_way.select(0.001)}
            now = time.monotonic()
            for key in list(under_way.get_map().values()):
                check, (client, deadline) = key.fileobj, key.data
                assert isinstance(check, socket.socket)
                connected = check in writable
                if connected or now >= deadline:
                    error = check.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    client.ended(now, passed=connected and not error)
                    under_way.unregister(check)
                    check.close()
                    resting.append(client)


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

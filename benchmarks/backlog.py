"""Healthy workers that would be killed, and checks that would fail, for each backlog.

The worker is busy 50 ms of every 100 ms. Clients check each of its ports as kubelet does: a connect
with a timeout, closed at once, one at a time. Three of a client's checks that fail in a row are a
kill. Either three clients check at the same instant, or six at moments of their own; the timeout is
1 s, with a period of 1 s, or 2 s, with a period of 2 s. A process that stands still passes
backlog + 1 checks, so the least backlog that never kills is the right one. Takes 9 min.

`... LOOP PORTS`, for each backlog: the busy worker; prints its ports.
"""

from __future__ import annotations

import random
import selectors
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import anyio

import tcp_probe
from benchmarks.candidates import CANDIDATES, LOOPS, Watch
from benchmarks.processes import module, serving
from benchmarks.run import run, say, table

SIZES = {  # in full, and in a quick run
    "loops": ([*LOOPS, "a thread"], ["asyncio"]),
    "backlogs": ([0, 1, 2, 3, 4], [0, 2]),
    "ports": (8, 1),  # with clients of their own, for each backlog, moment and timeout
    "seconds": (120.0, 3.0),
}
MOMENTS = {"3 at the same instant": 3, "6 at moments of their own": 6}
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


@dataclass
class Clients:
    """All clients of a worker, whose checks may overlap."""

    clients: list[Client]
    under_way: dict[socket.socket, tuple[Client, float]] = field(default_factory=dict)

    def check_until(self, end: float) -> None:
        """Check, and count what has ended."""
        resting = list(self.clients)
        with selectors.DefaultSelector() as selector:
            while (now := time.monotonic()) < end:
                for client in [each for each in resting if each.due <= now]:
                    resting.remove(client)
                    check = socket.socket()
                    check.settimeout(0)
                    check.connect_ex(("127.0.0.1", client.port))
                    selector.register(check, selectors.EVENT_WRITE)
                    self.under_way[check] = client, now + client.timeout
                writable = {key.fileobj for key, _ in selector.select(0.001)}
                now = time.monotonic()
                for check, (client, deadline) in list(self.under_way.items()):
                    connected = check in writable
                    if connected or now >= deadline:
                        error = check.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                        client.ended(now, passed=connected and not error)
                        selector.unregister(check)
                        check.close()
                        del self.under_way[check]
                        resting.append(client)


def measure(sizes: Mapping[str, Any], _: Path) -> dict[str, Any]:
    """Check every backlog, with every event loop, at the same time."""
    kinds = list(product(sizes["backlogs"], MOMENTS, TIMEOUTS))
    found = []
    for loop in sizes["loops"]:
        say(loop)
        backlogs = [backlog for backlog, *_ in kinds for _ in range(sizes["ports"])]
        command = module("backlog", loop, ",".join(map(str, backlogs)))
        with serving({loop: command}) as servers:
            ports = list(map(int, servers[loop].told.split()[1:]))
            begin = time.monotonic() + 1
            groups: dict[tuple[Any, ...], list[Client]] = {kind: [] for kind in kinds}
            for kind, port in zip(
                (k for k in kinds for _ in range(sizes["ports"])), ports, strict=True
            ):
                _, moments, timeout = kind
                number = MOMENTS[moments]
                draws = number if "own" in moments else 1
                phases = [random.uniform(0, timeout) for _ in range(draws)]  # noqa: S311 (no secret)
                groups[kind] += [
                    Client(port, timeout, begin + phases[client % draws])
                    for client in range(number)
                ]
            Clients([each for group in groups.values() for each in group]).check_until(
                begin + sizes["seconds"]
            )
        for (backlog, moments, timeout), group in groups.items():
            found.append(
                {
                    "loop": loop,
                    "moments": moments,
                    "timeout": timeout,
                    "backlog": backlog,
                    **{
                        figure: sum(getattr(client, figure) for client in group)
                        for figure in ("checks", "failed", "kills")
                    },
                }
            )
    return {"found": found}


def markdown(results: Mapping[str, Any]) -> str:
    """Return the table: kills, and the share of the checks that failed."""
    rows: dict[tuple[Any, ...], dict[int, str]] = {}
    for each in results["found"]:
        row = rows.setdefault((each["loop"], each["moments"], each["timeout"]), {})
        share = each["failed"] / max(each["checks"], 1)
        row[each["backlog"]] = f"{each['kills']} ({share:.1%})"
    columns: dict[str, Any] = {
        "loop": lambda row: row[0][0],
        "clients": lambda row: row[0][1],
        "timeout, s": lambda row: f"{row[0][2]:g}",
    }
    for backlog in results["sizes"]["backlogs"]:
        columns[f"backlog {backlog}"] = lambda row, backlog=backlog: row[1][backlog]
    checks = min(each["checks"] for each in results["found"])
    return (
        f"Kills of a healthy worker, and the share of its checks that failed; of {checks} checks "
        f"or more each.\n\n{table(rows.items(), columns)}"
    )


async def _work(_: Watch) -> None:
    backlogs = [int(each) for each in sys.argv[2].split(",")]
    async with AsyncExitStack() as stack:
        ports = []
        for backlog in backlogs:
            serve = tcp_probe.serve(0, backlog=backlog, stall_timeout=None)
            if sys.argv[1] == "a thread":
                probe = stack.enter_context(serve)
            else:
                probe = await stack.enter_async_context(serve)
            ports.append(probe.port)
        print("tcp", *ports, flush=True)
        while True:
            ends = time.perf_counter() + BUSY
            while time.perf_counter() < ends:
                pass
            await anyio.sleep(CYCLE - BUSY)


if __name__ == "__main__":
    if sys.argv[2:] and "," in sys.argv[2]:
        name = sys.argv[1] if sys.argv[1] in LOOPS else "asyncio"
        CANDIDATES[f"nothing on {name}"].run(_work, lambda _: None)
    else:
        run("backlog", __doc__, SIZES, measure, markdown)

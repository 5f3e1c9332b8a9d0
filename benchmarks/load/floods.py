"""Floods of connections: what the worker in the same loop still gets done, and the checks.

`python -m benchmarks.load.floods PORT CLIENTS SECONDS` floods a port: each client connects and
closes, again and again. One that finds the queue full does not wait for the second after which the
kernel would knock again, as a well-behaved one does, but begins anew. Prints, as JSON, how many
were connected and given up.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.candidates import CANDIDATES, LISTENERS, PEERS, THREAD
from benchmarks.load.loaded import Loaded, loaded, passed
from benchmarks.processes import found_by, module
from benchmarks.run import Columns, Results, cell, table

GROUPS = {
    "beside this listener": [each.name for each in LISTENERS],
    "beside others in its loop": [each.name for each in PEERS],
    "beside a server in a thread": [THREAD.name],
}
_LEAD = 0.5  # s that a flood begins before it is looked at
_PATIENCE = 0.02  # s
_SWEEP = 0.005  # s between two looks for connections that are too late


def measure(sizes: Mapping[str, Any], folder: Path) -> Results:
    """Measure every candidate without a flood, then with one from so many clients."""
    found: Results = {}
    for name in sizes["flooded"]:
        with loaded(name, folder) as worker:
            quiet = worker.check_for(sizes["quiet"])
            floods = {
                str(clients): _flood(worker, clients, sizes["flood"])
                for clients in sizes["flood_clients"]
            }
        found[name] = {"backlog": CANDIDATES[name].backlog, "quiet": quiet, "floods": floods}
    return found


def _flood(worker: Loaded, clients: int, seconds: float) -> Results:
    command = module("load.floods", worker.server.port, clients, seconds + _LEAD)
    with ThreadPoolExecutor(1) as flooding:
        counts = flooding.submit(found_by, command)
        time.sleep(_LEAD)
        return {**worker.check_for(seconds), "clients": counts.result()}


def report(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    rows = []
    for name, each in found.items():
        quiet = {**each["quiet"], "checks": None, "clients": {}}
        for clients, flood in {"0": quiet, **each["floods"]}.items():
            share = flood["units_per_cpu_second"] / quiet["units_per_cpu_second"]
            more = {"number": clients, "share": share}
            rows.append((f"{name} ({each['backlog']})", {**flood, **more}))

    def killed(row: Any) -> str:
        checks = row[1]["checks"]
        return "" if checks is None else "yes" if checks["killed"] else "no"

    def rate(what: str) -> Callable[[Any], str]:
        seconds = sizes["flood"] + _LEAD
        return lambda row: f"{row[1]['clients'].get(what, 0) / seconds:.0f}"

    columns: Columns = {
        "candidate (backlog)": lambda row: row[0],
        "clients": lambda row: row[1]["number"],
        "connections/s": rate("connected"),
        "given up/s": rate("given up"),
        "worker's share of the CPU, %": cell("share", "{:.0f}", 100),
        "loop delay p99, ms": cell("delays.p99", "{:.2f}", 1000),
        "checks passed": passed,
        "killed": killed,
    }
    keeps = "; ".join(
        f"{group} {min(shares):.0%} to {max(shares):.0%}"
        for group, names in GROUPS.items()
        if (
            shares := [
                row["share"] for name, row in rows if row["checks"] and name.split(" (")[0] in names
            ]
        )
    )
    return (
        "A flooding client that finds no room gives up after 20 ms and begins anew. The worker's "
        "share: units of its work per second of its process's CPU time, beside those without "
        f"a flood. It keeps of it {keeps}.\n\n{table(rows, columns)}"
    )


def flood(port: int, clients: int, seconds: float) -> Counter[str]:
    """Connect for so long."""
    counts: Counter[str] = Counter()
    swept = time.monotonic()
    ends = swept + seconds
    with selectors.DefaultSelector() as waiting:
        while (now := time.monotonic()) < ends:
            for _ in range(clients - len(waiting.get_map())):
                client = socket.socket()
                client.settimeout(0)
                # To many addresses: one has too few ports for the rate.
                number = counts.total() + len(waiting.get_map())
                address = f"127.0.{number // 200 % 200}.{number % 200 + 1}"
                if client.connect_ex((address, port)) == 0:
                    client.close()
                    counts["connected"] += 1
                else:
                    waiting.register(client, selectors.EVENT_WRITE, now + _PATIENCE)
            idle = len(waiting.get_map()) < clients
            over = {key.fileobj: "connected" for key, _ in waiting.select(0 if idle else _SWEEP)}
            if now > swept + _SWEEP:
                swept = now
                late = [key.fileobj for key in waiting.get_map().values() if key.data < now]
                over = {**dict.fromkeys(late, "given up"), **over}
            for each, what in over.items():
                assert isinstance(each, socket.socket)
                waiting.unregister(each)
                failed = each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                counts["refused" if failed else what] += 1
                each.close()
    return counts


if __name__ == "__main__":
    print(json.dumps(flood(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))

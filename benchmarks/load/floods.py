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
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Any

from benchmarks.candidates import CANDIDATES, LISTENERS, PEERS, THREAD
from benchmarks.load.loaded import Loaded, loaded, passed
from benchmarks.processes import found_by, module
from benchmarks.run import Columns, Results, cell, table

BESIDE = {
    **{each.name: "beside this listener" for each in LISTENERS},
    **{each.name: "beside others in its loop" for each in PEERS},
    THREAD.name: "beside a server in a thread",
}
_NONE = {"connected": 0, "given up": 0}
_LEAD = 0.5  # s that a flood begins before it is looked at
_PATIENCE = 0.02  # s
_SWEEP = 0.005  # s between two looks for connections that are too late


def measure(name: str, sizes: Mapping[str, Any]) -> Results:
    """Measure a candidate without a flood, then with one from so many clients."""
    with loaded(name) as worker:
        quiet = worker.check_for(sizes["quiet"])
        floods = {
            str(clients): _flood(worker, clients, sizes["flood"])
            for clients in sizes["flood_clients"]
        }
    return {"backlog": CANDIDATES[name].backlog, "quiet": quiet, "floods": floods}


def _flood(worker: Loaded, clients: int, seconds: float) -> Results:
    command = module("load.floods", worker.server.port, clients, seconds + _LEAD)
    with ThreadPoolExecutor(1) as flooding:
        counts = flooding.submit(found_by, command)
        time.sleep(_LEAD)
        return {**worker.check_for(seconds), "clients": counts.result()}


def report(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    rows, shares = [], defaultdict(list)
    for name, each in found.items():
        quiet = {**each["quiet"], "checks": None, "clients": _NONE}
        for clients, flood in {"0": quiet, **each["floods"]}.items():
            share = flood["units_per_cpu_second"] / quiet["units_per_cpu_second"]
            row = {**flood, "number": clients, "share": share}
            rows.append((f"{name} ({each['backlog']})", row))
            if flood is not quiet:
                shares[BESIDE[name]].append(share)

    def killed(row: Any) -> str:
        checks = row[1]["checks"]
        return "" if checks is None else "yes" if checks["killed"] else "no"

    rate = 1 / (sizes["flood"] + _LEAD)
    columns: Columns = {
        "candidate (backlog)": itemgetter(0),
        "clients": lambda row: row[1]["number"],
        "connections/s": cell("clients.connected", "{:.0f}", rate),
        "given up/s": cell("clients.given up", "{:.0f}", rate),
        "worker's share of the CPU, %": cell("share", "{:.0f}", 100),
        "loop delay p99, ms": cell("delays.p99", "{:.2f}", 1000),
        "checks passed": passed,
        "killed": killed,
    }
    keeps = "; ".join(f"{who} {min(each):.0%} to {max(each):.0%}" for who, each in shares.items())
    return (
        "A flooding client that finds no room gives up after 20 ms and begins anew. The worker's "
        "share: units of its work per second of its process's CPU time, beside those without "
        f"a flood. It keeps of it {keeps}.\n\n{table(rows, columns)}"
    )


def flood(port: int, clients: int, seconds: float) -> Counter[str]:
    """Connect for so long."""
    counts = Counter(_NONE)
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

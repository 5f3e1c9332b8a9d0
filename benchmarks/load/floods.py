"""Floods of connections: what the worker in the same loop still gets done, and the checks.

`... PORT CLIENTS SECONDS` floods a port: each client connects and closes, again and again. One that
finds the queue full does not wait for the second after which the kernel would knock again, as a
well-behaved one does, but begins anew. Prints, as JSON, how many were connected and given up.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.candidates import CANDIDATES, LISTENERS, PEERS, THREAD
from benchmarks.load.loaded import Loaded, loaded
from benchmarks.processes import ROOT, module
from benchmarks.run import table

TITLE = "(b) Floods of connections"
FLOODED = [each.name for each in (*LISTENERS, *PEERS, THREAD)]
_LEAD = 0.5  # s that a flood begins before it is looked at
_PATIENCE = 0.02  # s
_SWEEP = 0.005  # s between two looks for connections that are too late


def measure(sizes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Measure every candidate without a flood, then with one from so many clients."""
    found: dict[str, Any] = {}
    for name in sizes["flooded"]:
        with loaded(name, folder) as worker:
            found[name] = {
                "backlog": CANDIDATES[name].backlog,
                "quiet": worker.check_for(sizes["flood"])[0],
                "floods": {
                    str(clients): _flood(worker, clients, sizes["flood"])
                    for clients in sizes["flood_clients"]
                },
            }
    return found


def _flood(worker: Loaded, clients: int, seconds: float) -> dict[str, Any]:
    command = module("load.floods", worker.server.port, clients, seconds + _LEAD)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(_LEAD)
            work, checks = worker.check_for(seconds)
            output, _ = process.communicate(timeout=seconds + 30)
        finally:
            process.kill()
    return {**work, "checks": checks, "clients": json.loads(output)}


def report(found: dict[str, Any], sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    seconds = sizes["flood"] + _LEAD
    nobody: dict[str, Any] = {"checks": None, "clients": {}}
    rows = [
        (f"{name} ({each['backlog']})", each["quiet"], clients, flood)
        for name, each in found.items()
        for clients, flood in [("0", {**each["quiet"], **nobody}), *each["floods"].items()]
    ]

    def share(row: Any) -> float:
        return float(100 * row[3]["units_per_cpu_second"] / row[1]["units_per_cpu_second"])

    def checked(row: Any) -> str:
        checks = row[3]["checks"]
        return f"{checks['passed']} of {checks['passed'] + checks['failed']}" if checks else ""

    def killed(row: Any) -> str:
        checks = row[3]["checks"]
        return "" if checks is None else "yes" if checks["killed"] else "no"

    columns = {
        "candidate (backlog)": lambda row: row[0],
        "clients": lambda row: row[2],
        "connections/s": lambda row: f"{row[3]['clients'].get('connected', 0) / seconds:.0f}",
        "given up/s": lambda row: f"{row[3]['clients'].get('given up', 0) / seconds:.0f}",
        "worker's share of the CPU, %": lambda row: f"{share(row):.0f}",
        "loop delay p99, ms": lambda row: f"{row[3]['delays'].get('p99', 999) * 1000:.2f}",
        "checks passed": checked,
        "killed": killed,
    }
    return (
        "A flooding client that finds no room gives up after 20 ms and begins anew. The worker's "
        "share: units of its work per second of its process's CPU time, beside those without "
        f"a flood.\n\n{table(rows, columns)}"
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

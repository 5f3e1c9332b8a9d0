"""Floods of connections: what the worker in the same loop still gets done, and the checks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.load.loaded import Loaded, loaded
from benchmarks.load.server import BACKLOGS, FLOODED
from benchmarks.load.sizes import Sizes
from benchmarks.markdown import table
from benchmarks.processes import ROOT

TITLE = "(b) Floods of connections"
_LEAD = 0.5  # s that a flood begins before it is looked at


def measure(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Measure every candidate without a flood, then with one from so many clients."""
    found: dict[str, Any] = {}
    for name in sizes.flooded or FLOODED:
        with loaded(name, folder) as server:
            quiet, _ = server.check_for(sizes.flood)
            found[name] = {
                "backlog": BACKLOGS[name],
                "quiet": asdict(quiet),
                "floods": {
                    str(clients): _flood(server, clients, sizes.flood)
                    for clients in sizes.flood_clients
                },
            }
    return found


def _flood(server: Loaded, clients: int, seconds: float) -> dict[str, Any]:
    arguments = [str(server.port), str(clients), str(seconds + _LEAD)]
    command = [sys.executable, "-m", "benchmarks.load.flood", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(_LEAD)
            work, checked = server.check_for(seconds)
            output, _ = process.communicate(timeout=seconds + 30)
        finally:
            process.kill()
    return {**asdict(work), "checks": asdict(checked), "clients": json.loads(output)}


def report(found: dict[str, Any], sizes: Sizes) -> list[str]:
    """Return the table."""
    head = [
        "candidate (backlog)",
        "clients",
        "connections/s",
        "given up/s",
        "worker's share of the CPU, %",
    ]
    head += ["loop delay p99, ms", "checks passed", "killed"]
    rows: list[Sequence[str]] = []
    for name, each in found.items():
        quiet = each["quiet"]
        delay = quiet["delays"]["p99"] * 1000
        title = f"{name} ({each['backlog']})"
        rows.append([title, "0", "0", "0", "100", f"{delay:.2f}", "", ""])
        for clients, flood in each["floods"].items():
            checks = flood["checks"]
            share = flood["units_per_cpu_second"] / quiet["units_per_cpu_second"]
            seconds = sizes.flood + _LEAD
            made, given_up = (flood["clients"].get(what, 0) for what in ("connected", "given up"))
            rows.append(
                [
                    title,
                    clients,
                    f"{made / seconds:.0f}",
                    f"{given_up / seconds:.0f}",
                    f"{share:.0%}".rstrip("%"),
                    f"{flood['delays'].get('p99', float('inf')) * 1000:.2f}",
                    f"{checks['passed']} of {checks['passed'] + checks['failed']}",
                    "yes" if checks["killed"] else "no",
                ]
            )
    text = (
        "A flooding client that finds no room gives up after 20 ms and begins anew. The worker's "
        "share: units of its work per second of its process's CPU time, beside those without "
        "a flood.\n"
    )
    return [text, table(head, rows)]

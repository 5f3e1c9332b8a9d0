"""Checks back to back: nothing may grow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.client import Client, times
from benchmarks.load.growth import growth
from benchmarks.processes import CLIENT_CORE, resources, serving, worker
from benchmarks.run import Results

TITLE = "(a) Checks back to back"
_PARTS = 10


def measure(sizes: Mapping[str, Any], folder: Path) -> Results:
    """Make so many checks, each after the server has closed the last one; look ten times."""
    client = Client(folder)
    found: Results = {}
    for loop in sizes["loops"]:
        # To wake another core for every check would take longer than the check itself.
        with serving({loop: worker(f"tcp_probe on {loop}")}, CLIENT_CORE) as servers:
            found[loop] = []
            for _ in range(_PARTS):
                began = time.monotonic()
                times(client.start("eof", servers[loop].port, sizes["checks"] // _PARTS))
                took = time.monotonic() - began
                found[loop].append({"took_s": took, **resources(servers[loop].pid)})
    return found


def report(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the checks."""
    rows = {
        loop: {"first": parts[0], "last": parts[-1], "s": sum(part["took_s"] for part in parts)}
        for loop, parts in found.items()
    }
    rate = {"checks/s": lambda row: f"{sizes['checks'] / row[1]['s']:.0f}"}
    return growth("checks", sizes["checks"], rows, rate)

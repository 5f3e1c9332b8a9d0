"""Checks back to back: nothing may grow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.client import Client
from benchmarks.load.growth import growth
from benchmarks.processes import candidate_command, resources, serving
from benchmarks.run import CLIENT_CORE

TITLE = "(a) Checks back to back"
_PARTS = 10


def measure(sizes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Make so many checks, each after the server has closed the last one; look ten times."""
    client = Client(folder)
    found: dict[str, Any] = {}
    for loop in sizes["loops"]:
        # To wake another core for every check would take longer than the check itself.
        with serving({loop: candidate_command(f"tcp_probe on {loop}")}, CLIENT_CORE) as servers:
            found[loop] = []
            for _ in range(_PARTS):
                began = time.monotonic()
                client.one_by_one("eof", servers[loop].port, sizes["checks"] // _PARTS)
                took = time.monotonic() - began
                found[loop].append({"took_s": took, **resources(servers[loop].pid)})
    return found


def report(found: dict[str, Any], sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the checks."""
    rates = {
        loop: sizes["checks"] / sum(part["took_s"] for part in parts)
        for loop, parts in found.items()
    }
    columns = {
        "checks": lambda _: str(sizes["checks"]),
        "checks/s": lambda row: f"{rates[row[0]]:.0f}",
    }
    return growth("checks", [(loop, (each[0], each[-1])) for loop, each in found.items()], columns)

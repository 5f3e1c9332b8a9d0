"""Checks back to back: nothing may grow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.client import Client
from benchmarks.load.cores import CLIENT_CORE
from benchmarks.load.sizes import Sizes
from benchmarks.machine import pin
from benchmarks.markdown import table
from benchmarks.processes import candidate_command, serving

TITLE = "(a) Checks back to back"
_PARTS = 10


def measure(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Make so many checks, each after the server has closed the last one; look ten times."""
    client = Client(folder)
    found: dict[str, Any] = {}
    for loop in sizes.loops:
        name = f"tcp_probe on {loop}"
        with serving({name: candidate_command(name)}) as servers:
            server = servers[name]
            # To wake another core for every check would take longer than the check itself.
            pin(server.pid, CLIENT_CORE)
            process = psutil.Process(server.pid)
            parts = []
            for _ in range(_PARTS):
                began = time.monotonic()
                client.one_by_one("eof", server.port, sizes.checks // _PARTS)
                parts.append(
                    {
                        "took_s": time.monotonic() - began,
                        "resident_bytes": server.resident_bytes,
                        "file_descriptors": process.num_fds(),
                        "threads": process.num_threads(),
                    }
                )
            found[loop] = parts
    return found


def report(found: dict[str, Any], sizes: Sizes) -> list[str]:
    """Return what has grown since the first tenth of the checks."""
    rows = []
    for loop, parts in found.items():
        first, last = parts[0], parts[-1]
        growth = [
            f"{first[each] / unit:g} → {last[each] / unit:g}"
            for each, unit in (("resident_bytes", 1024), ("file_descriptors", 1), ("threads", 1))
        ]
        rate = sizes.checks / sum(part["took_s"] for part in parts)
        rows.append([loop, f"{sizes.checks}", f"{rate:.0f}", *growth])
    head = ["loop", "checks", "checks/s", "resident KiB", "file descriptors", "threads"]
    return ["After a tenth of the checks → after all of them.\n", table(head, rows)]

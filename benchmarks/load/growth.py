"""What must not grow: with checks back to back, and with entries and exits of `serve`."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import tcp_probe
from benchmarks.candidates import Watch
from benchmarks.client import compiled, start, times
from benchmarks.processes import CLIENT_CORE, found_by, resources, serving, worker
from benchmarks.run import Columns, Results, cell, table

_PARTS = 10
_HELD = (
    ("resident KiB", "resident_bytes", 1 / 1024),
    ("file descriptors", "file_descriptors", 1),
    ("threads", "threads", 1),
)


def measure_checks(sizes: Mapping[str, Any], _: Path) -> Results:
    """Make so many checks, each after the server has closed the last one; look ten times."""
    compiled("client")  # before the clock runs
    found: Results = {}
    for loop in sizes["loops"]:
        # To wake another core for every check would take longer than the check itself.
        with serving({loop: worker(f"tcp_probe on {loop}")}, CLIENT_CORE) as servers:
            found[loop] = []
            for _part in range(_PARTS):
                began = time.monotonic()
                times(start("eof", servers[loop].port, sizes["checks"] // _PARTS))
                took = time.monotonic() - began
                found[loop].append({"took_s": took, **resources(servers[loop].pid)})
    return found


def report_checks(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the checks."""
    rows = {
        loop: {"first": parts[0], "last": parts[-1], "s": sum(part["took_s"] for part in parts)}
        for loop, parts in found.items()
    }
    rate = {"checks/s": lambda row: f"{sizes['checks'] / row[1]['s']:.0f}"}
    return _growth("checks", sizes, rows, rate)


def measure_entries(sizes: Mapping[str, Any], _: Path) -> Results:
    """Enter and leave so many times, in a process for each loop."""
    return {
        loop: found_by(worker(f"nothing on {loop}", "load.growth", sizes["entries"]))
        for loop in sizes["loops"]
    }


def report_entries(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the entries."""
    return _growth("entries", sizes, found, {"each, µs": cell("each_s", "{:.0f}", 1e6)})


async def work(_: Watch, count: str) -> None:
    """Enter and leave, and print the figures as JSON: the worker."""
    first = await _enter(int(count) // 10)
    began = time.perf_counter()
    last = await _enter(int(count) - int(count) // 10)
    each = (time.perf_counter() - began) / (int(count) - int(count) // 10)
    print(json.dumps({"each_s": each, "first": first, "last": last}))


async def _enter(count: int) -> dict[str, int]:
    for _ in range(count):
        async with tcp_probe.serve(0):
            pass
    for thread in threading.enumerate():
        if thread.name == "tcp_probe":
            thread.join()
    return resources(os.getpid())


def _growth(what: str, sizes: Mapping[str, Any], found: Results, own: Columns) -> str:
    columns: dict[str, Any] = {"loop": itemgetter(0), what: lambda _: str(sizes[what]), **own}
    for head, figure, unit in _HELD:
        first, last = (cell(f"{at}.{figure}", "{:g}", unit) for at in ("first", "last"))
        columns[head] = lambda row, first=first, last=last: f"{first(row)} → {last(row)}"
    return f"After a tenth of the {what} → after all of them.\n\n{table(found.items(), columns)}"

"""Entries and exits of `serve`: nothing may stay behind. `... LOOP COUNT` measures, as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import psutil

import tcp_probe
from benchmarks.accounting import resident_bytes
from benchmarks.load.sizes import Sizes
from benchmarks.markdown import table
from benchmarks.processes import ROOT

TITLE = "(d) Entries and exits"


def measure(sizes: Sizes, _: Path) -> dict[str, Any]:
    """Enter and leave so many times, in a process for each loop."""
    found = {}
    for loop in sizes.loops:
        command = [sys.executable, "-m", "benchmarks.load.entries", loop, str(sizes.entries)]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
        found[loop] = json.loads(output)
    return found


def report(found: dict[str, Any], sizes: Sizes) -> list[str]:
    """Return what has grown since the first tenth of the entries."""
    rows = []
    for loop, each in found.items():
        first, last = each["first"], each["last"]
        growth = [
            f"{first[what] / unit:g} → {last[what] / unit:g}"
            for what, unit in (("resident_bytes", 1024), ("file_descriptors", 1), ("threads", 1))
        ]
        rows.append([loop, str(sizes.entries), f"{each['each_s'] * 1e6:.0f}", *growth])
    head = ["loop", "entries", "each, µs", "resident KiB", "file descriptors", "threads"]
    return ["After a tenth of the entries → after all of them.\n", table(head, rows)]


async def _enter(count: int) -> None:
    for _ in range(count):
        async with tcp_probe.serve(0):
            pass


async def _measure_here(count: int) -> None:
    await _enter(count // 10)
    first = _resources()
    began = time.perf_counter()
    await _enter(count - count // 10)
    each = (time.perf_counter() - began) / (count - count // 10)
    print(json.dumps({"each_s": each, "first": first, "last": _resources()}))


def _resources() -> dict[str, int]:
    for thread in threading.enumerate():
        if thread.name == "tcp_probe":
            thread.join()
    process = psutil.Process()
    return {
        "resident_bytes": resident_bytes(os.getpid()),
        "file_descriptors": process.num_fds(),
        "threads": process.num_threads(),
    }


def main() -> None:
    """Measure in this process."""
    loop, count = sys.argv[1:]
    anyio.run(
        _measure_here,
        int(count),
        backend="trio" if loop == "trio" else "asyncio",
        backend_options={"use_uvloop": True} if loop == "uvloop" else {},
    )


if __name__ == "__main__":
    main()

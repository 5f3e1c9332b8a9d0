"""Entries and exits of `serve`: nothing may stay behind."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tcp_probe
from benchmarks.candidates import Watch
from benchmarks.load.growth import growth
from benchmarks.processes import found_by, resources, worker
from benchmarks.run import Results, cell

TITLE = "(d) Entries and exits"


def measure(sizes: Mapping[str, Any], _: Path) -> Results:
    """Enter and leave so many times, in a process for each loop."""
    return {
        loop: found_by(worker(f"nothing on {loop}", "load.entries", sizes["entries"]))
        for loop in sizes["loops"]
    }


def report(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the entries."""
    return growth("entries", sizes["entries"], found, {"each, µs": cell("each_s", "{:.0f}", 1e6)})


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

"""Entries and exits of `serve`: nothing may stay behind. `... LOOP COUNT` measures, as JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tcp_probe
from benchmarks.candidates import CANDIDATES, Watch
from benchmarks.load.growth import growth
from benchmarks.processes import module, output_of, resources

TITLE = "(d) Entries and exits"


def measure(sizes: Mapping[str, Any], _: Path) -> dict[str, Any]:
    """Enter and leave so many times, in a process for each loop."""
    return {
        loop: json.loads(output_of(module("load.entries", loop, sizes["entries"])))
        for loop in sizes["loops"]
    }


def report(found: dict[str, Any], sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the entries."""
    columns = {
        "entries": lambda _: str(sizes["entries"]),
        "each, µs": lambda row: f"{found[row[0]]['each_s'] * 1e6:.0f}",
    }
    rows = [(loop, (each["first"], each["last"])) for loop, each in found.items()]
    return growth("entries", rows, columns)


async def _enter(count: int) -> None:
    for _ in range(count):
        async with tcp_probe.serve(0):
            pass


async def _measure_here(_: Watch) -> None:
    count = int(sys.argv[2])
    await _enter(count // 10)
    first = _settled()
    began = time.perf_counter()
    await _enter(count - count // 10)
    each = (time.perf_counter() - began) / (count - count // 10)
    print(json.dumps({"each_s": each, "first": first, "last": _settled()}))


def _settled() -> dict[str, int]:
    for thread in threading.enumerate():
        if thread.name == "tcp_probe":
            thread.join()
    return resources(os.getpid())


if __name__ == "__main__":
    CANDIDATES[f"nothing on {sys.argv[1]}"].run(_measure_here, lambda _: None)

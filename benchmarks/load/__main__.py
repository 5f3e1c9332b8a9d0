"""What the listener takes: a million checks, floods, misuse, and its own entries and watchdogs.

All on loopback. Takes 13 min, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.candidates import LISTENERS, LOOPS, PEERS, THREAD
from benchmarks.load import abuse, endurance, entries, floods, time_wait, watchdogs
from benchmarks.processes import CLIENT_CORE
from benchmarks.run import Results, run, say

PARTS = {
    each.__name__.rpartition(".")[2]: each
    for each in (endurance, floods, abuse, entries, watchdogs, time_wait)
}
FLOODED = [each.name for each in (*LISTENERS, *PEERS, THREAD)]
SIZES = {  # in full, and in a quick run; times in s
    "loops": (LOOPS, LOOPS[:1]),
    "checks": (1_000_000, 2000),
    "flooded": (FLOODED, ["tcp_probe on asyncio", "asyncio.start_server"]),
    "flood_clients": ([1, 16, 256], [16]),
    "flood": (10.0, 0.6),
    "quiet": (5.0, 0.6),  # before the floods
    "abuses": (1000, 20),  # connections of each kind
    "entries": (10_000, 50),
    "watchdogs": (20_000, 200),
    "resets": (10_000_000, 10_000),
    "watchdog_timeout": (5.0, 0.5),
    "time_wait_checks": (10_000, 200),
}


def measure(sizes: Mapping[str, Any], folder: Path) -> Results:
    """Run the parts."""
    os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
    found = {}
    for name in sizes["parts"]:
        say(name)
        found[name] = PARTS[name].measure(sizes, folder)
    return found


def markdown(results: Results) -> str:
    """Return the tables."""
    return "\n".join(
        f"## {PARTS[name].TITLE}\n\n{PARTS[name].report(results[name], results['sizes'])}"
        for name in results["sizes"]["parts"]
    )


if __name__ == "__main__":
    run("load", __doc__, SIZES, measure, markdown, list(PARTS))

"""What the listener takes: a million checks, floods, misuse, and its own entries and watchdogs.

All on loopback. Takes 13 min, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.candidates import LISTENERS, LOOPS, PEERS, THREAD
from benchmarks.load import abuse, floods, growth, time_wait, watchdogs
from benchmarks.processes import CLIENT_CORE
from benchmarks.run import Results, run, say

PARTS = {  # in this order
    "endurance": ("(a) Checks back to back", growth.measure_checks, growth.report_checks),
    "floods": ("(b) Floods of connections", floods.measure, floods.report),
    "abuse": ("(c) Clients that misbehave", abuse.measure, abuse.report),
    "entries": ("(d) Entries and exits", growth.measure_entries, growth.report_entries),
    "watchdogs": ("(e) Watchdogs", watchdogs.measure, watchdogs.report),
    "time_wait": ("(f) TIME_WAIT", time_wait.measure, time_wait.report),
}
FLOODED = [each.name for each in (*LISTENERS, *PEERS, THREAD)]
SIZES = {  # in full, and in a quick run; times in s
    "loops": (LOOPS, LOOPS[:1]),
    "checks": (1_000_000, 2000),
    "flooded": (FLOODED, ["tcp_probe on asyncio", "asyncio.start_server"]),
    "flood_clients": ([1, 16, 256], [16]),
    "flood": (8.0, 0.6),
    "quiet": (4.0, 0.6),  # before the floods
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
    for name, (title, measure_part, _) in PARTS.items():
        say(title)
        found[name] = measure_part(sizes, folder)
    return found


def markdown(results: Results) -> str:
    """Return the tables."""
    return "\n".join(
        f"## {title}\n\n{report(results[name], results['sizes'])}"
        for name, (title, _, report) in PARTS.items()
    )


if __name__ == "__main__":
    run("load", __doc__, SIZES, measure, markdown)

"""What the listener takes: a million checks, floods, misuse, and its own entries and watchdogs.

All on loopback. Takes 10 min, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.candidates import LISTENERS, LOOPS, PEERS, THREAD
from benchmarks.load import growth, loaded, watchdogs
from benchmarks.processes import CLIENT_CORE
from benchmarks.run import Results, run, say

PARTS = {  # in this order: for each of which size, and how
    "endurance": ("(a) Checks back to back", "loops", growth.measure_checks, growth.report_checks),
    "floods": ("(b) Floods of connections", "flooded", loaded.measure_floods, loaded.report_floods),
    "abuse": ("(c) Clients that misbehave", "loops", loaded.measure_abuse, loaded.report_abuse),
    "entries": ("(d) Entries and exits", "loops", growth.measure_entries, growth.report_entries),
    "watchdogs": ("(e) Watchdogs", "loops", watchdogs.measure, watchdogs.report),
    "time_wait": ("(f) TIME_WAIT", "loops", growth.measure_time_wait, growth.report_time_wait),
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


def measure(sizes: Mapping[str, Any], _: Path) -> Results:
    """Run the parts."""
    os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
    found = {}
    for name, (title, each_of, measure_part, _report) in PARTS.items():
        say(title)
        found[name] = {each: measure_part(each, sizes) for each in sizes[each_of]}
    return found


def markdown(results: Results) -> str:
    """Return the tables."""
    return "\n".join(
        f"## {title}\n\n{report(results[name], results['sizes'])}"
        for name, (title, _, _, report) in PARTS.items()
    )


if __name__ == "__main__":
    run("load", __doc__, SIZES, measure, markdown)

"""What the listener takes: a million checks, floods, misuse, and its own entries and watchdogs.

All on loopback. Takes 12 min, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from benchmarks.candidates import LISTENERS, LOOPS, PEERS, THREAD
from benchmarks.load import alone, beside
from benchmarks.processes import CLIENT_CORE
from benchmarks.run import Tables, run, say

FLOODED = [each.name for each in (*LISTENERS, *PEERS, THREAD)]
SIZES = {  # in full, and in a quick run; times in s
    "loops": ([*LOOPS], ["asyncio"]),
    "checks": (1_000_000, 2000),
    "flooded": (FLOODED, ["tcp_probe on asyncio", "asyncio.start_server"]),
    "flood_clients": ([1, 16, 256], [16]),
    "flood": (8.0, 0.6),
    "abuses": (1000, 20),  # connections of each kind
    "entries": (10_000, 50),
    "watchdogs": (20_000, 200),
    "resets": (10_000_000, 10_000),
    "watchdog_timeout": (5.0, 2.0),
    "time_wait_checks": (10_000, 200),
}
# What is measured, for each of which size, and what the table says.
PARTS = {
    "(a) Checks back to back": (alone.checks, "loops", "{checks}; held after a tenth / after all."),
    "(b) Floods of connections": (beside.floods, "flooded", "Candidate (backlog), clients."),
    "(c) Clients that misbehave": (beside.abuse, "loops", "{abuses} of each; held before / after."),
    "(d) Entries and exits": (alone.entries, "loops", "{entries}; held after a tenth / after all."),
    "(e) Watchdogs": (
        alone.watchdogs,
        "loops",
        "{watchdogs} at once, of {watchdog_timeout:g} s each, and {resets} resets of one.",
    ),
    "(f) TIME_WAIT": (alone.time_wait, "loops", "{time_wait_checks} checks, 1000/s."),
}


def measure(sizes: Mapping[str, Any]) -> Tables:
    """Run the parts."""
    os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
    found: Tables = {}
    for title, (part, for_each, _) in PARTS.items():
        say(title)
        found[title] = {}
        for each in sizes[for_each]:
            found[title] |= part(each, sizes)
    return found


if __name__ == "__main__":
    run("load", __doc__, SIZES, measure, {title: text for title, (_, _, text) in PARTS.items()})

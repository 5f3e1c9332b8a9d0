"""What the listener takes: a million checks, floods, misuse, and its own entries and watchdogs.

All on loopback. Takes 10 min, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.candidates import LISTENERS, LOOPS, PEERS, THREAD
from benchmarks.load import alone, beside
from benchmarks.processes import CLIENT_CORE
from benchmarks.run import Results, run, say, table

FLOODED = [each.name for each in (*LISTENERS, *PEERS, THREAD)]
SIZES = {  # in full, and in a quick run; times in s
    "loops": (LOOPS, LOOPS[:1]),
    "checks": (1_000_000, 2000),
    "flooded": (FLOODED, ["tcp_probe on asyncio", "asyncio.start_server"]),
    "flood_clients": ([1, 16, 256], [16]),
    "flood": (8.0, 0.6),
    "abuses": (1000, 20),  # connections of each kind
    "entries": (10_000, 50),
    "watchdogs": (20_000, 200),
    "resets": (10_000_000, 10_000),
    "watchdog_timeout": (5.0, 0.5),
    "time_wait_checks": (10_000, 200),
}


@dataclass(frozen=True)
class Part:
    """A part: what is measured for each of a size, and its table, whose text tells the sizes."""

    title: str
    measure: Callable[[str, Mapping[str, Any]], Results]
    text: str
    columns: Mapping[str, str]
    head: str = "loop"
    for_each: str = "loops"


_GROWTH = {
    "resident KiB": "{parts/0/resident_bytes:.0f KiB} → {parts/-1/resident_bytes:.0f KiB}",
    "file descriptors": "{parts/0/file_descriptors} → {parts/-1/file_descriptors}",
    "threads": "{parts/0/threads} → {parts/-1/threads}",
}
_CHECKED = {"checks of kubelet": "{checks/checks}", "failed": "{checks/failed}"}
PARTS = {
    "endurance": Part(
        "(a) Checks back to back",
        alone.checks,
        "{checks} checks. After a tenth of them → after all of them.",
        {"checks/s": "{per_s:.0f}", **_GROWTH},
    ),
    "floods": Part(
        "(b) Floods of connections",
        beside.floods,
        "A flooding client that finds no room gives up after 20 ms and begins anew. The worker's "
        "share: units of its work per second of its process's CPU time, beside those without "
        "a flood.",
        {
            "connections/s": "{clients_per_s/connected:.0f}",
            "given up/s": "{clients_per_s/given up:.0f}",
            "worker's share of the CPU, %": "{share:.0f %}",
            "loop delay p99, ms": "{delays/p99:.2f ms}",
            **_CHECKED,
            "kills": "{checks/kills}",
        },
        "candidate (backlog), clients",
        "flooded",
    ),
    "abuse": Part(
        "(c) Clients that misbehave",
        beside.abuse,
        "{abuses} of each kind. Before them → after them.",
        {
            "served": "{connections/served}",
            "reset": "{connections/reset}",
            "found no room": "{connections/no_room}",
            **_GROWTH,
            **_CHECKED,
        },
        "clients that",
    ),
    "entries": Part(
        "(d) Entries and exits",
        alone.entries,
        "{entries} entries. After a tenth of them → after all of them.",
        {"each, µs": "{each_s:.0f µs}", **_GROWTH},
    ),
    "watchdogs": Part(
        "(e) Watchdogs",
        alone.watchdogs,
        "{watchdogs} at once, of {watchdog_timeout:g} s each, and {resets} resets of one. CPU: of "
        "one core; for the resets without what as many calls of an empty method take. Late: from "
        "the moment the first runs out until the port refuses. Log lines: of all of it, from start "
        "to end.",
        {
            "reset, ns": "{reset_s:.0f ns}",
            "enter, µs each": "{enter_s:.1f µs}",
            "leave, µs each": "{leave_s:.1f µs}",
            "CPU while none is reset, %": "{cpu_quiet:.2f %}",
            "CPU of a reset of each once a second, %": "{cpu_resets:.2f %}",
            "late, ms": "{late_s:.0f ms}",
            "log lines": "{lines}",
        },
    ),
    "time_wait": Part(
        "(f) TIME_WAIT",
        alone.time_wait,
        "{time_wait_checks} checks, 1000/s.",
        {"on the worker's side": "{server}", "on the client's": "{client}"},
    ),
}


def measure(sizes: Mapping[str, Any]) -> Results:
    """Run the parts."""
    os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
    found: Results = {}
    for name, part in PARTS.items():
        say(part.title)
        rows = [part.measure(each, sizes) for each in sizes[part.for_each]]
        found[name] = {row: figures for each in rows for row, figures in each.items()}
    return found


def markdown(results: Results) -> str:
    """Return the tables."""
    return "\n".join(
        f"## {part.title}\n\n{part.text.format(**results['sizes'])}\n\n"
        f"{table(results[name], part.columns, part.head)}"
        for name, part in PARTS.items()
    )


if __name__ == "__main__":
    run("load", __doc__, SIZES, measure, markdown)

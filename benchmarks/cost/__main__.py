"""What a check costs: this listener beside the floors and beside every alternative.

All on loopback, with a C compiler. Takes 7 minutes, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.candidates import BARE, CHECKED, ON_ASYNCIO, PEERS, UNCHECKED
from benchmarks.client import compiled
from benchmarks.cost import derived, report
from benchmarks.cost.samples import EXEC_PROBES, FLOOR, PARTS, Bench, starts
from benchmarks.cost.spread import Sample, gathered, summarised
from benchmarks.processes import CLIENT_CORE, SERVER_CORE, serving, worker
from benchmarks.run import Results, run, say

SIZES = {  # in full, and in a quick run; in each round every candidate has its turn
    "rounds": (40, 2),
    "checks": (150, 10),  # one round's, at 1000 checks/s
    "eof_rounds": (20, 2),
    "slow_rounds": (3, 1),
    "rates": ([[1, 12], [10, 60], [100, 60]], [[1, 1], [10, 3], [100, 4]]),  # checks/s: checks
    "levels": ([1, 4, 16, 64, 256], [1, 4, 256]),
    "level_rounds": (8, 1),
    "level_checks": (256, 8),  # of one round, at each level
    "kept_checks": (2500, 20),
    "starts": (5, 1),
    "imports": (7, 1),
    "command_rounds": (100, 2),
    "worker_rounds": (10, 2),
    "worker_checks": (800, 20),
    "claude_starts": (3, 1),
    "idle": (120.0, 1.0),  # s, at least
}
QUIET = 0.1  # cores that other processes may keep busy


def measure(sizes: Mapping[str, Any]) -> Results:
    """Run everything; return all figures."""
    say("starts of Python and of a Claude worker")
    samples: list[Sample] = [*starts(sizes["claude_starts"])]
    commands = {FLOOR: [compiled("floor"), "512"]}
    commands |= {each.name: worker(each.name) for each in CHECKED}
    unchecked = {each.name: worker(each.name) for each in (*CHECKED, *UNCHECKED)}
    with serving(commands, SERVER_CORE) as servers, serving(unchecked, SERVER_CORE) as idle:
        os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
        before = {name: server.cpu_ns for name, server in idle.items()}
        bench = Bench(sizes, servers, idle, time.monotonic(), before)
        for part in PARTS:
            say(part.__name__.replace("_", " "))
            samples += part(bench)
    values = gathered(samples)
    for name in commands:
        cpu = values[name, "server_cpu_us"]
        for other in (FLOOR, ON_ASYNCIO.name, BARE.name, *(each.name for each in PEERS)):
            # Round by round: noise hits both alike.
            pairs = zip(cpu, values[other, "server_cpu_us"], strict=True)
            values[name, f"times {other}"] = [one / another for one, another in pairs]
        for probe in EXEC_PROBES:
            ratio = median(cpu) / median(values[probe, "client_cpu_us"])
            values[name, f"times {probe}"] = [ratio]
    figures = summarised(values)
    order = (*commands, *EXEC_PROBES, *(each.name for each in UNCHECKED))
    found = {name: figures[name] for name in order}
    return {
        "candidates": found,
        "starts": figures["starts"],
        "claims": derived.claims(found),
        "node": derived.node(found),
    }


def main() -> int:
    """Measure, write the results, and tell whether they show what they must."""
    results, output = run("cost", __doc__, SIZES, measure, report.markdown)
    if output:
        report.draw(results["candidates"], output)
    busy = results["cores_others_kept_busy"]
    if results["quick"]:
        say("quick: far too few checks for the figures to mean anything")
    elif busy > QUIET:
        say(f"other processes kept {busy:.2f} cores busy: run it again on a quiet machine")
    else:
        return int(any(each["verdict"] == derived.FAIL for each in results["claims"].values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

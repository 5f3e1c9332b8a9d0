"""What a check costs: this listener beside the floors and beside every alternative.

All on loopback, with a C compiler. Takes 6 minutes, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from benchmarks.candidates import CHECKED, UNCHECKED
from benchmarks.cost import derived, samples
from benchmarks.cost.picture import draw
from benchmarks.processes import CLIENT_CORE, SERVER_CORE, compiled, serving, worker
from benchmarks.run import Rows, Tables, run, say

SIZES = {  # in full, and in a quick run; in each round every candidate has its turn
    "rounds": (80, 2),
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
CHECK, PACES, STANDING, STARTS = (
    "One check",
    "At every pace: µs of CPU per check",
    "What stands while nobody checks",
    "Starts",
)
PARTS = {
    samples.checks_of_kubelet: CHECK,
    samples.memory_kept: STANDING,
    samples.exec_probes: CHECK,
    samples.worker_loss: CHECK,
    samples.resident_memory: STANDING,
    samples.imports: STANDING,
    samples.slow_checks: PACES,
    samples.checks_at_once: PACES,
    samples.idle: STANDING,
}
TEXTS = {
    CHECK: "As kubelet makes them, 1000/s; a busy worker is checked 4000 times a second.",
    PACES: "1000/s is the server CPU above.",
    derived.NODE: derived.NODE_FORMULA,
}
QUIET = 0.1  # cores that other processes may keep busy


def measure(sizes: Mapping[str, Any]) -> Tables:
    """Run everything; return all figures."""
    commands = {samples.FLOOR: [compiled("floor"), "512"]}
    commands |= {each.name: worker(each.name) for each in CHECKED}
    unchecked = {each.name: worker(each.name) for each in (*CHECKED, *UNCHECKED)}
    order = (*commands, *samples.EXEC_PROBES, *unchecked)
    # What the rounds gave, by table, row and column.
    rounds: dict[str, Rows] = {
        title: {name: defaultdict(list) for name in order} for title in (CHECK, PACES, STANDING)
    }
    for name in commands:
        rounds[CHECK][name] |= {samples.CPU: [], samples.TIMES: []}  # these columns stand first
    say("starts")
    rounds[STARTS] = samples.starts(sizes["claude_starts"])
    with serving(commands, SERVER_CORE) as servers, serving(unchecked, SERVER_CORE) as idle:
        os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
        bench = samples.Bench(sizes, servers, idle)
        for part, title in PARTS.items():
            say(part.__name__.replace("_", " "))
            for name, column, value in part(bench):
                rounds[title][name][column] += value if isinstance(value, list) else [value]
    floor = rounds[CHECK][samples.FLOOR][samples.CPU]
    for name in commands:
        # Round by round: noise hits both alike.
        pairs = zip(rounds[CHECK][name][samples.CPU], floor, strict=True)
        rounds[CHECK][name][samples.TIMES] = [one / other for one, other in pairs]
    found: Tables = {}
    figures: Rows = defaultdict(dict)
    for title, rows in rounds.items():
        found[title] = {}
        for name, row in rows.items():
            summaries = {each: derived.summary(each, row[each]) for each in row if row[each]}
            if summaries:
                found[title][name] = summaries
                figures[name] |= summaries
    return found | derived.tables(figures)


def main() -> int:
    """Measure, write the results, and tell whether they show what they must."""
    results, output = run("cost", __doc__, SIZES, measure, TEXTS)
    if output:
        draw(results["tables"][CHECK], output)
    claims = results["tables"][derived.CLAIMS].values()
    failed = any(each["verdict"] == derived.FAIL for each in claims)
    return int(failed and not results["quick"] and results["cores_others_kept_busy"] <= QUIET)


if __name__ == "__main__":
    sys.exit(main())

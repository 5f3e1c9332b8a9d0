"""What a check costs: this listener beside the floors and beside every alternative.

All on loopback, with a C compiler. Takes 7 minutes, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.candidates import CHECKED, UNWATCHED
from benchmarks.client import Client, compile_native
from benchmarks.cost import checks, claims, node, process, report, starts
from benchmarks.cost.bench import FLOOR, Bench, Figures, Idle
from benchmarks.cost.exec_probes import measure_exec_probes
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
# Each is told by the first line of its docstring.
PARTS = (
    checks.measure_checks,
    checks.measure_levels,
    checks.measure_kept,
    measure_exec_probes,
    process.measure_worker_loss,
    process.measure_resident,
    process.measure_imports,
    checks.measure_rates,
)


def measure(sizes: Mapping[str, Any], folder: Path) -> Results:
    """Run everything; return all figures."""
    client = Client(folder)
    commands = {FLOOR: [compile_native("floor", folder), "512"]}
    commands |= {each.name: worker(each.name) for each in CHECKED}
    unchecked = [each.name for each in (*CHECKED, *UNWATCHED)]
    idle = {f"idle {name}": worker(name) for name in unchecked}
    found: Figures = {}
    everywhere = os.sched_getaffinity(0)
    with serving({**commands, **idle}, SERVER_CORE) as servers:
        os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
        try:
            watch = Idle({name: servers[f"idle {name}"] for name in unchecked})
            checked = {name: servers[name] for name in commands}
            bench = Bench(sizes, folder, client, checked, watch)
            for part in PARTS:
                say((part.__doc__ or "").partition("\n")[0])
                for name, figures in part(bench).items():
                    found.setdefault(name, {}).update(figures)
        finally:
            os.sched_setaffinity(0, everywhere)
    for name in commands:
        found[name]["cpu_us_at_rate"]["1000"] = found[name]["server_cpu_us"]
    for name, figures in found.items():
        if "client_cpu_us" in figures:
            for server in commands:
                cpu = found[server]["server_cpu_us"]["median"] / figures["client_cpu_us"]["median"]
                found[server]["ratio_of"][name] = cpu
    for each in UNWATCHED:
        cpu = found.pop(each.name)["idle_cpu_s_per_hour"]
        found[each.name.partition(",")[0]]["idle_cpu_s_per_hour_unwatched"] = cpu
    say("Starts of Python and of a Claude worker.")
    took = starts.measure_starts(sizes["claude_starts"])
    return {
        "candidates": found,
        "claims": claims.judge(found),
        "node": node.rows(found),
        "published": starts.compare(found, took),
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
        return int(any(claim["holds"] is False for claim in results["claims"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

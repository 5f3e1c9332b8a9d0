"""What a check costs: this listener beside the floors and beside every alternative.

All on loopback, with a C compiler. Takes 7 minutes, and 20 s with `--quick`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.candidates import BARE, LISTENERS, PEERS, UNWATCHED
from benchmarks.client import Client, compile_native
from benchmarks.cost import checks, claims, node, plots, published, report, standing
from benchmarks.cost.bench import FLOOR, Bench
from benchmarks.cost.exec_probes import measure_exec_probes
from benchmarks.cost.worker_loss import measure_worker_loss
from benchmarks.processes import BACKLOG, candidate_command, serving
from benchmarks.run import CLIENT_CORE, SERVER_CORE, run, say

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


def measure(sizes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run everything; return all figures."""
    client = Client(folder)
    floor = [str(compile_native("floor", folder)), str(BACKLOG)]
    watched = [each.name for each in (*LISTENERS, *UNWATCHED, BARE, *PEERS)]
    checked = [each.name for each in (*LISTENERS, BARE, *PEERS)]
    commands = {FLOOR: floor, **{name: candidate_command(name) for name in checked}}
    unchecked = {f"idle {name}": candidate_command(name) for name in watched}
    everywhere = os.sched_getaffinity(0)
    with serving({**commands, **unchecked}, SERVER_CORE) as servers:
        os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
        try:
            watch = standing.Idle({name: servers[f"idle {name}"] for name in watched})
            bench = Bench(sizes, client, {name: servers[name] for name in commands})
            candidates = _measure_running(bench, folder, watch)
        finally:
            os.sched_setaffinity(0, everywhere)
    say("starts of Python and of a Claude worker")
    starts = published.measure_starts(sizes["claude_starts"])
    return {
        "candidates": candidates,
        "claims": claims.judge(candidates),
        "node": node.rows(candidates),
        "published": published.compare(candidates, starts),
    }


def _measure_running(bench: Bench, folder: Path, watch: standing.Idle) -> dict[str, dict[str, Any]]:
    sizes = bench.sizes
    say("checks as kubelet makes them, 1000/s")
    found = checks.measure_checks(bench)
    say("1 to 256 checks at once")
    levels = checks.measure_levels(bench)
    say("memory kept per check")
    kept = checks.measure_kept(bench)
    say("exec probes")
    exec_probes = measure_exec_probes(bench, folder)
    say("what a worker in the same loop loses")
    loss = measure_worker_loss(bench, folder)
    say("resident memory")
    resident = standing.measure_resident(bench)
    say("imports")
    imports = standing.measure_imports(sizes["imports"])
    say("1 to 100 checks/s")
    watch.wait(sizes["idle"])
    idle = watch.cpu_per_second()
    rates = checks.measure_rates(bench, idle)
    hourly = {name: cpu * 3600 for name, cpu in idle.items()}
    for name in bench.servers:
        cpu = found[name]["server_cpu_us"]
        found[name] |= {
            "cpu_us_at_rate": rates[name] | {"1000": cpu},
            "cpu_us_at_once": levels[name],
            "kept_bytes": kept[name],
            "resident_bytes": resident[name],
            "worker_loss_us": loss.get(name),
            "import": imports.get(name),
            "idle_cpu_s_per_hour": hourly.get(name),
            "idle_cpu_s_per_hour_unwatched": hourly.get(f"{name}, no stall watch"),
        }
        found[name]["ratio_of"] |= {
            probe: cpu["median"] / figures["client_cpu_us"]["median"]
            for probe, figures in exec_probes.items()
        }
    return found | exec_probes


def main() -> int:
    """Measure, write the results, and tell whether they show what they must."""
    results, output = run("cost", __doc__, SIZES, measure, report.markdown)
    if output:
        plots.draw(results, output)
    for claim in results["claims"]:
        print(claims.line(claim))
    if results["quick"]:
        say("quick: far too few checks for the figures to mean anything")
        return 0
    busy = results["cores_others_kept_busy"]
    if busy > QUIET:
        say(f"other processes kept {busy:.2f} cores busy: run it again on a quiet machine")
        return 0
    return int(any(claim["holds"] is False for claim in results["claims"]))


if __name__ == "__main__":
    sys.exit(main())

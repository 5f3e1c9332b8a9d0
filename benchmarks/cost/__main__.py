"""What a check costs: this listener beside the floor and beside every alternative.

python -m benchmarks.cost [--quick] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.candidates import LISTENERS, PEERS, UNWATCHED
from benchmarks.client import Client
from benchmarks.cost import checks, claims, cluster, plots, published, report, standing
from benchmarks.cost.bench import FLOOR, Bench
from benchmarks.cost.exec_probes import measure_exec_probes
from benchmarks.cost.sizes import FULL, QUICK, Sizes
from benchmarks.cost.worker_loss import measure_worker_loss
from benchmarks.machine import Others, describe, pin, server_and_client_core
from benchmarks.native_code import compile_native
from benchmarks.processes import BACKLOG, ROOT, candidate_command, no_process_left, serving

PACKAGES = ("anyio", "trio", "uvloop", "aiohttp", "fastapi", "uvicorn", "claude-agent-sdk")
QUIET = 0.1  # cores that other processes may keep busy


_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Tell at once what goes on."""
    print(f"{time.monotonic() - _BEGAN:5.1f} s  {text}", flush=True)


def measure(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Run everything; return all figures."""
    machine = describe(PACKAGES)
    others = Others()
    began = time.monotonic()
    client = Client(folder)
    floor = compile_native("floor", folder)
    if floor is None:
        say("no C compiler: the floor is left out, and the client is in Python (coarser)")
    candidates = _measure_candidates(sizes, folder, client, floor)
    say("starts of Python and of a Claude worker")
    starts = published.measure_starts(sizes.claude_starts)
    return {
        "machine": machine,
        "client": client.language,
        "sizes": asdict(sizes),
        "took_s": time.monotonic() - began,
        "cores_busy_with_other_processes": others.cores(),
        "candidates": candidates,
        "claims": claims.judge(candidates),
        "cluster": cluster.cluster_rows(candidates),
        "published": published.compare(candidates, starts),
    }


def _measure_candidates(
    sizes: Sizes, folder: Path, client: Client, floor: Path | None
) -> dict[str, dict[str, Any]]:
    server_core, client_core = server_and_client_core()
    checked = {each.name: candidate_command(each.name) for each in (*LISTENERS, *PEERS)}
    if floor is not None:
        checked = {FLOOR: [str(floor), str(BACKLOG)], **checked}
    idle = {f"idle {each.name}": each.name for each in (*LISTENERS, *UNWATCHED, *PEERS)}
    unchecked = {name: candidate_command(candidate) for name, candidate in idle.items()}
    with serving({**checked, **unchecked}) as servers:
        for server in servers.values():
            pin(server.pid, server_core)
        everywhere = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {client_core})  # clients inherit it
        try:
            watch = standing.Idle({idle[name]: servers[name] for name in idle})
            bench = Bench(
                sizes, client, server_core, client_core, {name: servers[name] for name in checked}
            )
            return _measure_running(bench, folder, floor, watch)
        finally:
            os.sched_setaffinity(0, everywhere)


def _measure_running(
    bench: Bench, folder: Path, floor: Path | None, watch: standing.Idle
) -> dict[str, dict[str, Any]]:
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
    loss = measure_worker_loss(
        bench.client, bench.server_core, folder, sizes.worker_rounds, sizes.worker_checks
    )
    say("resident memory")
    resident = standing.measure_resident(bench.client, sizes.starts, floor)
    say("imports")
    imports = standing.measure_imports(sizes.imports)
    say("1 to 100 checks/s")
    watch.wait(sizes.idle)
    idle = watch.cpu_per_second()
    rates = checks.measure_rates(bench, idle)
    for name in bench.servers:
        unwatched = f"{name}, no stall watch"
        found[name] |= {
            "cpu_us_at_rate": rates[name] | {"1000": found[name]["server_cpu_us"]},
            "cpu_us_at_once": levels[name],
            "kept_bytes": kept[name],
            "resident_bytes": resident[name],
            "worker_loss_us": loss.get(name),
            "import": imports.get(name),
            "idle_cpu_s_per_hour": _per_hour(idle.get(name)),
            "idle_cpu_s_per_hour_unwatched": _per_hour(idle.get(unwatched)),
        }
        found[name]["ratio_of"] |= {
            probe: found[name]["server_cpu_us"]["median"] / figures["client_cpu_us"]["median"]
            for probe, figures in exec_probes.items()
        }
    return found | exec_probes


def _per_hour(per_second: float | None) -> float | None:
    return None if per_second is None else per_second * 3600


def main() -> int:
    """Measure, write the results, and tell whether they show what they must."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everything, with tiny counts")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error(f"expected Linux, whose accounting is read from /proc, got {sys.platform}")
    # An import of a deployed worker compiles nothing either.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder, no_process_left():
        results = measure(QUICK if arguments.quick else FULL, Path(folder))
    arguments.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    (arguments.output / "cost.json").write_text(text, encoding="utf-8")
    (arguments.output / "cost.md").write_text(report.markdown(results), encoding="utf-8")
    plots.draw(results, arguments.output)
    for claim in results["claims"]:
        print(claims.line(claim))
    if arguments.quick:
        say("quick: far too few checks for the figures to mean anything")
        return 0
    failed = any(claim["holds"] is False for claim in results["claims"])
    busy = results["cores_busy_with_other_processes"]
    if busy > QUIET:
        say(f"other processes kept {busy:.2f} cores busy: run it again on a quiet machine")
        return 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""What a worker in the same event loop loses for each check."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

from benchmarks.candidates import LISTENERS, PEERS
from benchmarks.cost.bench import Bench, to_the_end
from benchmarks.cost.spread import Spread, spread
from benchmarks.processes import Server, candidate_command, serving
from benchmarks.run import SERVER_CORE
from benchmarks.worker import Progress

_PERIOD = 0.00025  # s between checks: many enough to be seen in the worker's work


def measure_worker_loss(bench: Bench, folder: Path) -> dict[str, Spread]:
    """Measure the µs of work that a busy worker in the same loop does not do, per check.

    The worker counts units of work. What it takes for one, in CPU time, is measured without checks;
    then, with checks, whatever CPU time did not go into units went into the checks.
    """
    files = {each.name: folder / each.name for each in (*LISTENERS, *PEERS)}
    progress = {name: Progress(file) for name, file in files.items()}
    commands = {name: candidate_command(name, "--busy", file) for name, file in files.items()}
    checks = bench.sizes["worker_checks"]
    found: dict[str, list[float]] = defaultdict(list)
    with serving(commands, SERVER_CORE) as servers:
        for _ in range(bench.sizes["worker_rounds"]):
            for name, server in servers.items():
                lost = _round(bench, name, server, progress[name])
                found[name].append(lost / checks * 1e6)
    return {name: spread(values) for name, values in found.items()}


def _round(bench: Bench, name: str, server: Server, progress: Progress) -> float:
    def reading() -> tuple[float, float]:
        return server.cpu_ns / 1e9, progress.units

    def let_work(least: float) -> None:
        units, end = progress.units + 100, time.monotonic() + least
        while progress.units < units or time.monotonic() < end:
            time.sleep(0.01)

    checks = bench.sizes["worker_checks"]
    progress.working = True
    let_work(0.02)
    begin = reading()
    let_work(checks * _PERIOD)
    middle = reading()
    bench.client.one_by_one(to_the_end(name), server.port, checks, _PERIOD)
    end = reading()
    progress.working = False
    unit = (middle[0] - begin[0]) / (middle[1] - begin[1])
    return (end[0] - middle[0]) - (end[1] - middle[1]) * unit

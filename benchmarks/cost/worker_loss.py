"""What a worker in the same event loop loses for each check."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

from benchmarks.candidates import LISTENERS, PEERS
from benchmarks.client import Client
from benchmarks.cost.bench import to_the_end
from benchmarks.cost.spread import Spread, spread
from benchmarks.machine import pin
from benchmarks.processes import Server, candidate_command, serving
from benchmarks.worker import Progress

_PERIOD = 0.00025  # s between checks: many enough to be seen in the worker's work


def measure_worker_loss(
    client: Client, server_core: int, folder: Path, rounds: int, checks: int
) -> dict[str, Spread]:
    """Measure the µs of work that a busy worker in the same loop does not do, per check.

    The worker counts units of work. What it takes for one, in CPU time, is measured without checks;
    then, with checks, whatever CPU time did not go into units went into the checks.
    """
    progress = {
        each.name: Progress(folder / f"progress-{number}")
        for number, each in enumerate((*LISTENERS, *PEERS))
    }
    commands = {
        name: candidate_command(name, folder / f"progress-{number}")
        for number, name in enumerate(progress)
    }
    found: dict[str, list[float]] = defaultdict(list)
    with serving(commands) as servers:
        for server in servers.values():
            pin(server.pid, server_core)
        for _ in range(rounds):
            for name, server in servers.items():
                lost = _round(client, name, server, progress[name], checks)
                found[name].append(lost / checks * 1e6)
    return {name: spread(values) for name, values in found.items()}


def _round(client: Client, name: str, server: Server, progress: Progress, checks: int) -> float:
    progress.working = True
    _let_work(progress, 0.02)
    begin = _reading(server, progress)
    _let_work(progress, checks * _PERIOD)
    middle = _reading(server, progress)
    client.one_by_one(to_the_end(name), server.port, checks, _PERIOD)
    end = _reading(server, progress)
    progress.working = False
    unit = (middle[0] - begin[0]) / (middle[1] - begin[1])
    return (end[0] - middle[0]) - (end[1] - middle[1]) * unit


def _let_work(progress: Progress, least: float) -> None:
    units, end = progress.units + 100, time.monotonic() + least
    while progress.units < units or time.monotonic() < end:
        time.sleep(0.01)


def _reading(server: Server, progress: Progress) -> tuple[float, int]:
    return server.cpu_ns / 1e9, progress.units

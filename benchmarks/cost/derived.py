"""What follows from the figures: medians, promises that hold or not, and the cost of a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks.candidates import IN_A_THREAD, LISTENERS, ON_ASYNCIO, PEERS
from benchmarks.cost import samples
from benchmarks.run import Rows

CLAIMS, NODE = "What must hold", "A node: liveness and readiness, each every 10 s"
NODE_FORMULA = """```
CPU of a node = pods x (0.2 checks/s x CPU per check at 1 check/s + CPU of the idle server per s)
memory of a node = pods x (resident memory added + 0.2 checks/s x time of a check x its peak memory)
```"""
PASS, FAIL, UNKNOWN = "pass", "**fail**", "not measured"
# How many times the CPU of others a check may take: start_server's beside it on its own loop.
_RATIOS = {
    ON_ASYNCIO.name: {
        samples.FLOOR: 1.6,
        "asyncio.start_server": 0.4,
        "FastAPI with uvicorn": 0.25,
        samples.SCRIPT: 1 / 200,
    },
    "tcp_probe on uvloop": {samples.FLOOR: 1.3},
    "tcp_probe on trio": {samples.FLOOR: 2.2},
    IN_A_THREAD.name: {ON_ASYNCIO.name: 1.0},
}
_RATE = 2 / 10  # checks/s: liveness and readiness, each at the default period of 10 s
Rounds = Mapping[str, Sequence[float]]  # the µs of CPU that each round of checks gave


def summary(column: str, values: Sequence[float]) -> Any:
    """Return median and quartiles, or the percentiles that a column names: what so many tell."""
    if " p99 " in column:
        told = [at for at in (0.5, 0.99, 0.999) if at == 0.5 or len(values) * (1 - at) >= 1]
        return [float(each) for each in np.quantile(values, told)]
    points = map(float, np.quantile(values, (0.5, 0.25, 0.75)))
    return dict(zip(("median", "lower_quartile", "upper_quartile"), points, strict=True))


def middle(figure: Any) -> float:
    """Return the median of what a summary tells."""
    found: float = figure["median"] if isinstance(figure, dict) else figure[0]
    return found


def times(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return the ratio, round by round: noise hits both alike."""
    return [a / b for a, b in zip(one, other, strict=False)]


def tables(figures: Rows, cpu: Rounds) -> dict[str, Rows]:
    """Return the tables that follow from the figures of each candidate."""
    return {CLAIMS: claims(figures, cpu), NODE: _node(figures)}


def claims(figures: Rows, cpu: Rounds) -> Rows:
    """Hold each promise against its figure: unknown where there were too few checks to tell."""
    found = {}
    for text, bound, measured in _promises(figures, cpu):
        verdict = UNKNOWN if measured is None else PASS if measured <= bound else FAIL
        found[text] = {"at most": bound, "measured": measured, "verdict": verdict}
    return found


def _promises(figures: Rows, cpu: Rounds) -> Iterator[tuple[str, float, float | None]]:
    """Yield what is promised, the bound that the figure must not exceed, and the figure."""
    for name, bounds in _RATIOS.items():
        row = figures[name]
        yield f"{name}: p99 connect, µs", 1000.0, dict(enumerate(row[samples.CONNECT])).get(1)
        for other, bound in bounds.items():
            ratio = median(times(cpu[name], cpu[other]))
            yield f"{name}: CPU per check, times {other}", bound, ratio
        yield f"{name}: {samples.KEPT}", 1.0, middle(row[samples.KEPT])
        yield (
            f"{name}: {samples.IDLE}",
            1.0 if name == IN_A_THREAD.name else 5.0,
            middle(row[samples.IDLE]),
        )
    row = figures[ON_ASYNCIO.name]
    yield f"tcp_probe: {samples.IMPORT_CPU}", 5.0, middle(row[samples.IMPORT_CPU])
    yield f"tcp_probe: {samples.IMPORT_MEMORY}", 0.5, middle(row[samples.IMPORT_MEMORY])


def _node(figures: Rows) -> Rows:
    """Compute what the probes of a node cost, for each way to check and each number of pods."""
    found: Rows = {}
    for name in (*(each.name for each in (*LISTENERS, *PEERS)), *samples.EXEC_PROBES):
        cpu, megabytes = _of_a_pod(figures, name)
        found[name] = {
            f"{pods} pods, {unit}": pods * of_one
            for pods in (30, 110, 250)
            for unit, of_one in (("millicores", cpu * 1e3), ("MB", megabytes))
        }
    return found


def _of_a_pod(figures: Rows, name: str) -> tuple[float, float]:
    """Return the cores and the MB that the probes of a pod take."""

    def of(name: str, column: str) -> float:
        return middle(figures[name][column])

    if name not in samples.EXEC_PROBES:
        cpu = _RATE * of(name, samples.ONCE_A_SECOND) / 1e6 + of(name, samples.IDLE) / 86_400
        return cpu, of(name, samples.RESIDENT)
    cpu = _RATE * of(name, samples.OWN_CPU) / 1e6
    megabytes = _RATE * of(name, samples.WHOLE) / 1e6 * of(name, samples.PEAK)
    if name == samples.SCRIPT:
        return cpu, megabytes
    # One that connects needs a listener in the worker as well.
    cpu += _RATE * of(name, samples.CPU) / 1e6 + of(ON_ASYNCIO.name, samples.IDLE) / 86_400
    return cpu, megabytes + of(ON_ASYNCIO.name, samples.RESIDENT)

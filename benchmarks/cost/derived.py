"""What follows from the figures: medians, promises that hold or not, and the cost of a node."""

from __future__ import annotations

from collections.abc import Sequence
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
# How many times the CPU of another's check one of this listener may take.
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


def summary(column: str, values: Sequence[float]) -> Any:
    """Return median and quartiles, or the percentiles that a column names: what so many tell."""
    if " p99 " in column:
        told = [at for at in (0.5, 0.99, 0.999) if at == 0.5 or len(values) * (1 - at) >= 1]
        return [float(each) for each in np.quantile(values, told)]
    points = map(float, np.quantile(values, (0.5, 0.25, 0.75)))
    return dict(zip(("median", "lower_quartile", "upper_quartile"), points, strict=True))


def tables(figures: Rows) -> dict[str, Rows]:
    """Return the tables that follow from the figures of each candidate."""
    medians = {
        name: {
            column: found["median"] if isinstance(found, dict) else found[0]
            for column, found in row.items()
        }
        for name, row in figures.items()
    }
    node = {}
    for name in (*(each.name for each in (*LISTENERS, *PEERS)), *samples.EXEC_PROBES):
        cpu, megabytes = _of_a_pod(medians, name)
        node[name] = {
            f"{pods} pods, {unit}": pods * of_one
            for pods in (30, 110, 250)
            for unit, of_one in (("millicores", cpu * 1e3), ("MB", megabytes))
        }
    return {CLAIMS: _claims(figures, medians), NODE: node}


def _claims(figures: Rows, medians: Rows) -> Rows:
    """Hold each promise against its figure: unknown where there were too few checks to tell."""
    promised: dict[str, tuple[float, float | None]] = {}
    for name, bounds in _RATIOS.items():
        row, (_, *rare) = medians[name], figures[name][samples.CONNECT]
        promised[f"{name}: p99 connect, µs"] = 1000.0, rare[0] if rare else None
        for other, bound in bounds.items():
            cpu = medians[other].get(samples.OWN_CPU) or medians[other][samples.CPU]
            ratio = row[samples.TIMES] if other == samples.FLOOR else row[samples.CPU] / cpu
            promised[f"{name}: CPU per check, times {other}"] = bound, ratio
        promised[f"{name}: {samples.KEPT}"] = 1.0, row[samples.KEPT]
        bound = 1.0 if name == IN_A_THREAD.name else 5.0
        promised[f"{name}: {samples.IDLE}"] = bound, row[samples.IDLE]
    row = medians[ON_ASYNCIO.name]
    promised[f"tcp_probe: {samples.IMPORT_CPU}"] = 5.0, row[samples.IMPORT_CPU]
    promised[f"tcp_probe: {samples.IMPORT_MEMORY}"] = 0.5, row[samples.IMPORT_MEMORY]
    found = {}
    for text, (bound, measured) in promised.items():
        verdict = UNKNOWN if measured is None else PASS if measured <= bound else FAIL
        found[text] = {"at most": bound, "measured": measured, "verdict": verdict}
    return found


def _of_a_pod(medians: Rows, name: str) -> tuple[float, float]:
    """Return the cores and the MB that the probes of a pod take."""
    row, listener = medians[name], medians[ON_ASYNCIO.name]
    if name not in samples.EXEC_PROBES:
        cpu = _RATE * row[samples.ONCE_A_SECOND] / 1e6 + row[samples.IDLE] / 86_400
        return cpu, row[samples.RESIDENT]
    cpu = _RATE * row[samples.OWN_CPU] / 1e6
    megabytes = _RATE * row[samples.WHOLE] / 1e6 * row[samples.PEAK]
    if name == samples.SCRIPT:
        return cpu, megabytes
    # One that connects needs a listener in the worker as well.
    cpu += _RATE * row[samples.CPU] / 1e6 + listener[samples.IDLE] / 86_400
    return cpu, megabytes + listener[samples.RESIDENT]

"""What the probes of a whole node cost, computed from the figures of one pod."""

from __future__ import annotations

from typing import Any

from benchmarks.candidates import LISTENERS, ON_ASYNCIO, PEERS
from benchmarks.cost.samples import EXEC_PROBES, SCRIPT
from benchmarks.cost.spread import Figures

PODS = (30, 110, 250)
RATE = 2 / 10  # checks/s: liveness and readiness, each at the default period of 10 s

FORMULA = """\
CPU of a node = pods x (0.2 checks/s x CPU per check at 1 check/s + CPU of the idle server per s)
memory of a node = pods x (resident memory added + 0.2 checks/s x time of a check x its peak memory)
"""


def rows(candidates: Figures) -> list[dict[str, Any]]:
    """Compute CPU and memory per node for each way to check and each number of pods."""
    found = []
    for name in (*(each.name for each in (*LISTENERS, *PEERS)), *EXEC_PROBES):
        cpu, memory = _of_a_pod(candidates, name)
        for pods in PODS:
            row = {"candidate": name, "pods": pods}
            found.append({**row, "millicores": pods * cpu * 1e3, "megabytes": pods * memory / 1e6})
    return found


def _of_a_pod(candidates: Figures, name: str) -> tuple[float, float]:
    found, cpu, memory = candidates[name], 0.0, 0.0
    if name in EXEC_PROBES:
        cpu = RATE * found["client_cpu_us"]["median"] / 1e6
        memory = RATE * found["whole_us"]["p50"] / 1e6 * found["peak_bytes"]["median"]
        if name == SCRIPT:
            return cpu, memory
        # An exec probe that connects needs a listener in the worker as well.
        cpu += RATE * found["server_cpu_us"]["median"] / 1e6
        found = candidates[ON_ASYNCIO.name]
    else:
        cpu = RATE * found["cpu_us_at_rate"]["1"]["median"] / 1e6
    cpu += found["idle_cpu_s_per_hour"] / 3600
    return cpu, memory + found["resident_bytes"]["median"]

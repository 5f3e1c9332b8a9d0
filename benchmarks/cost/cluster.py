"""What the probes of a whole node cost, computed from the figures of one pod."""

from __future__ import annotations

from typing import Any, TypedDict

from benchmarks.candidates import LISTENERS, PEERS
from benchmarks.cost.exec_probes import EXEC_PROBES, SCRIPT

PODS = (30, 110, 250)
CHECKS_PER_SECOND = 2 / 10  # liveness and readiness, each at the default period of 10 s

FORMULA = """\
CPU of a node = pods x (0.2 checks/s x CPU per check at 1 check/s + CPU of the idle server per s)
memory of a node = pods x (resident memory added + 0.2 checks/s x time of a check x its peak memory)
"""


class Row(TypedDict):
    """One way to answer checks, on a node with so many pods."""

    candidate: str
    pods: int
    millicores: float
    megabytes: float


def cluster_rows(candidates: dict[str, dict[str, Any]]) -> list[Row]:
    """Compute CPU and memory per node for each way to check and each number of pods."""
    return [
        _row(candidates, name, pods)
        for name in (*(each.name for each in (*LISTENERS, *PEERS)), *EXEC_PROBES)
        for pods in PODS
    ]


def _row(candidates: dict[str, dict[str, Any]], name: str, pods: int) -> Row:
    found = candidates[name]
    # An exec probe that connects needs a listener in the worker as well.
    listener = LISTENERS[0].name if name in EXEC_PROBES and name != SCRIPT else None
    server = candidates[listener] if listener else found
    cpu = CHECKS_PER_SECOND * check_cpu_us(found) / 1e6
    memory = 0.0
    if name not in EXEC_PROBES or listener:
        cpu += server["idle_cpu_s_per_hour"] / 3600
        memory += server["resident_bytes"]["median"]
    if name in EXEC_PROBES:
        peak = found["peak_bytes"]["median"] if found["peak_bytes"] else 0.0
        memory += CHECKS_PER_SECOND * found["whole_us"]["p50"] / 1e6 * peak
    return {
        "candidate": name,
        "pods": pods,
        "millicores": 1000 * pods * cpu,
        "megabytes": pods * memory / 1e6,
    }


def check_cpu_us(found: dict[str, Any]) -> float:
    """Return all the CPU in µs that one check takes at the slowest measured rate."""
    if "client_cpu_us" in found:
        server = found["server_cpu_us"]
        return float(found["client_cpu_us"]["median"] + (server["median"] if server else 0.0))
    return float(found["cpu_us_at_rate"]["1"]["median"])

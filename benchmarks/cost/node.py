"""What the probes of a whole node cost, computed from the figures of one pod."""

from __future__ import annotations

from typing import Any

from benchmarks.candidates import LISTENERS, PEERS
from benchmarks.cost.exec_probes import EXEC_PROBES, SCRIPT

PODS = (30, 110, 250)
CHECKS_PER_SECOND = 2 / 10  # liveness and readiness, each at the default period of 10 s

FORMULA = """\
CPU of a node = pods x (0.2 checks/s x CPU per check at 1 check/s + CPU of the idle server per s)
memory of a node = pods x (resident memory added + 0.2 checks/s x time of a check x its peak memory)
"""


def rows(candidates: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Compute CPU and memory per node for each way to check and each number of pods."""
    found = []
    for name in (*(each.name for each in (*LISTENERS, *PEERS)), *EXEC_PROBES):
        millicores, megabytes = _of_a_pod(candidates, name)
        found += [
            {
                "candidate": name,
                "pods": pods,
                "millicores": pods * millicores,
                "megabytes": pods * megabytes,
            }
            for pods in PODS
        ]
    return found


def _of_a_pod(candidates: dict[str, dict[str, Any]], name: str) -> tuple[float, float]:
    found = candidates[name]
    cpu, memory, server = 0.0, 0.0, found
    if name in EXEC_PROBES:
        cpu = CHECKS_PER_SECOND * found["client_cpu_us"]["median"] / 1e6
        memory = CHECKS_PER_SECOND * found["whole_us"]["p50"] / 1e6 * found["peak_bytes"]["median"]
        if name == SCRIPT:
            return 1000 * cpu, memory / 1e6
        # An exec probe that connects needs a listener in the worker as well.
        server = candidates[LISTENERS[0].name]
        cpu += CHECKS_PER_SECOND * found["server_cpu_us"]["median"] / 1e6
    else:
        cpu = CHECKS_PER_SECOND * found["cpu_us_at_rate"]["1"]["median"] / 1e6
    cpu += server["idle_cpu_s_per_hour"] / 3600
    memory += server["resident_bytes"]["median"]
    return 1000 * cpu, memory / 1e6

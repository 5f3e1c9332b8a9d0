"""What follows from the figures: promises that hold or not, and the cost of a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.candidates import IN_A_THREAD, LISTENERS, ON_ASYNCIO, PEERS
from benchmarks.cost.samples import EXEC_PROBES, FLOOR, SCRIPT
from benchmarks.cost.spread import Figures

PASS, FAIL, UNKNOWN = "pass", "**fail**", "not measured"
# How many times the CPU of others a check may take: start_server's beside it on its own loop.
_RATIOS = {
    "tcp_probe on asyncio": {
        FLOOR: 1.6,
        "asyncio.start_server": 0.4,
        "FastAPI with uvicorn": 0.25,
        SCRIPT: 1 / 200,
    },
    "tcp_probe on uvloop": {FLOOR: 1.3},
    "tcp_probe on trio": {FLOOR: 2.2},
    IN_A_THREAD.name: {ON_ASYNCIO.name: 1.0},
}
PODS = (30, 110, 250)
_RATE = 2 / 10  # checks/s: liveness and readiness, each at the default period of 10 s


def claims(candidates: Figures) -> dict[str, dict[str, Any]]:
    """Hold each promise against its figure: unknown where there were too few checks to tell."""
    found = {}
    for text, bound, measured in _promises(candidates):
        verdict = UNKNOWN if measured is None else PASS if measured <= bound else FAIL
        found[text] = {"bound": bound, "measured": measured, "verdict": verdict}
    return found


def _promises(candidates: Figures) -> Iterator[tuple[str, float, float | None]]:
    """Yield what is promised, the bound that the figure must not exceed, and the figure."""
    for name, bounds in _RATIOS.items():
        found = candidates[name]
        yield f"{name}: p99 connect, µs", 1000.0, found["connect_us"].get("p99")
        for other, bound in bounds.items():
            ratio = found[f"times {other}"]["median"]
            yield f"{name}: CPU per check, times {other}", bound, ratio
        yield f"{name}: bytes kept per check", 1.0, found["kept_bytes"]["median"]
        idle = found["idle_cpu_s_per_hour"]["median"] * 24
        bound = 1.0 if name == IN_A_THREAD.name else 5.0
        yield f"{name}: CPU of an idle listener, s per day", bound, idle
    found = candidates[ON_ASYNCIO.name]
    yield "tcp_probe: import over anyio's, ms of CPU", 5.0, found["import_ms"]["median"]
    yield "tcp_probe: import over anyio's, MB", 0.5, found["import_bytes"]["median"] / 1e6


def node(candidates: Figures) -> dict[str, Any]:
    """Compute what the probes of a node cost, for each way to check and each number of pods."""
    found: dict[str, Any] = {}
    for name in (*(each.name for each in (*LISTENERS, *PEERS)), *EXEC_PROBES):
        cpu, memory = _of_a_pod(candidates, name)
        found[name] = {
            str(pods): {"millicores": pods * cpu * 1e3, "megabytes": pods * memory / 1e6}
            for pods in PODS
        }
    return found


def _of_a_pod(candidates: Figures, name: str) -> tuple[float, float]:
    def of(name: str, figure: str) -> float:
        found: float = candidates[name][figure]["median"]
        return found

    cpu, memory, listener = 0.0, 0.0, name
    if name in EXEC_PROBES:
        cpu = _RATE * of(name, "client_cpu_us") / 1e6
        memory = _RATE * of(name, "whole_us") / 1e6 * of(name, "peak_bytes")
        if name == SCRIPT:
            return cpu, memory
        # An exec probe that connects needs a listener in the worker as well.
        cpu += _RATE * of(name, "server_cpu_us") / 1e6
        listener = ON_ASYNCIO.name
    else:
        cpu = _RATE * of(name, "cpu_us_at_rate_1") / 1e6
    cpu += of(listener, "idle_cpu_s_per_hour") / 3600
    return cpu, memory + of(listener, "resident_bytes")

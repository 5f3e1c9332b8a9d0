"""What follows from the figures: promises that hold or not, the cost of a node, known estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from benchmarks.candidates import IN_A_THREAD, LISTENERS, ON_ASYNCIO, PEERS
from benchmarks.cost.samples import EXEC_PROBES, SCRIPT
from benchmarks.cost.spread import Figures

VERDICTS = {True: "pass", False: "**fail**", None: "not measured"}
_RATIO_TO_FLOOR = {"asyncio": 1.6, "uvloop": 1.3, "trio": 2.2}
# Beside peers on the event loop that most workers run, and start_server's own.
_RATIO_TO_PEERS = {"asyncio.start_server": 0.4, "FastAPI with uvicorn": 0.25, SCRIPT: 1 / 200}

_PODS = (30, 110, 250)
_RATE = 2 / 10  # checks/s: liveness and readiness, each at the default period of 10 s
NODE_FORMULA = """\
CPU of a node = pods x (0.2 checks/s x CPU per check at 1 check/s + CPU of the idle server per s)
memory of a node = pods x (resident memory added + 0.2 checks/s x time of a check x its peak memory)
"""


def claims(candidates: Figures) -> list[dict[str, Any]]:
    """Hold each promise against its figure: None where there were too few checks to tell."""
    return [
        {
            "text": text,
            "bound": bound,
            "measured": measured,
            "holds": None if measured is None else measured <= bound,
        }
        for text, bound, measured in _promises(candidates)
    ]


def _promises(candidates: Figures) -> Iterator[tuple[str, float, float | None]]:
    """Yield what is promised, the bound that the figure must not exceed, and the figure."""
    times = "CPU per check, times"
    for listener in LISTENERS:
        name, found = listener.name, candidates[listener.name]
        yield f"{name}: p99 connect, µs", 1000.0, found["connect_us"]["p99"]
        threaded = listener is IN_A_THREAD
        if threaded:
            ratio = found["ratio_of"][ON_ASYNCIO.name]
            yield f"{name}: {times} {ON_ASYNCIO.name}", 1.0, ratio
        else:
            ratio = found["ratio_to_floor"]["median"]
            yield f"{name}: {times} the floor", _RATIO_TO_FLOOR[listener.loop], ratio
        yield f"{name}: bytes kept per check", 1.0, found["kept_bytes"]
        idle = found["idle_cpu_s_per_hour"] * 24
        yield f"{name}: CPU of an idle listener, s per day", 1.0 if threaded else 5.0, idle
    here = candidates[ON_ASYNCIO.name]
    for peer, bound in _RATIO_TO_PEERS.items():
        yield f"{ON_ASYNCIO.name}: {times} {peer}", bound, here["ratio_of"][peer]
    yield "tcp_probe: import over anyio's, ms of CPU", 5.0, here["import"]["ms"]["median"]
    yield "tcp_probe: import over anyio's, MB", 0.5, here["import"]["bytes"]["median"] / 1e6


def node(candidates: Figures) -> list[dict[str, Any]]:
    """Compute what the probes of a node cost, for each way to check and each number of pods."""
    found = []
    for name in (*(each.name for each in (*LISTENERS, *PEERS)), *EXEC_PROBES):
        cpu, memory = _of_a_pod(candidates, name)
        for pods in _PODS:
            row = {"candidate": name, "pods": pods}
            found.append({**row, "millicores": pods * cpu * 1e3, "megabytes": pods * memory / 1e6})
    return found


def _of_a_pod(candidates: Figures, name: str) -> tuple[float, float]:
    found, cpu, memory = candidates[name], 0.0, 0.0
    if name in EXEC_PROBES:
        cpu = _RATE * found["client_cpu_us"]["median"] / 1e6
        memory = _RATE * found["whole_us"]["p50"] / 1e6 * found["peak_bytes"]["median"]
        if name == SCRIPT:
            return cpu, memory
        # An exec probe that connects needs a listener in the worker as well.
        cpu += _RATE * found["server_cpu_us"]["median"] / 1e6
        found = candidates[ON_ASYNCIO.name]
    else:
        cpu = _RATE * found["cpu_us_at_rate"]["1"]["median"] / 1e6
    cpu += found["idle_cpu_s_per_hour"] / 3600
    return cpu, memory + found["resident_bytes"]["median"]


def published(candidates: Figures, starts: Mapping[str, list[float]]) -> list[list[str]]:
    """Return rows: what, the estimate that others publish, what was measured here."""

    def ms(name: str, figure: str) -> str:
        return f"{candidates[name][figure]['median'] / 1000:.2f} ms"

    def s(name: str) -> str:
        return f"{median(starts[name]):.2f} s" if name in starts else "not measured (no SDK)"

    here = candidates[ON_ASYNCIO.name]
    http = f"{ms('aiohttp', 'server_cpu_us')} (aiohttp)"
    http += f", {ms('FastAPI with uvicorn', 'server_cpu_us')} (FastAPI)"
    peak = f"{candidates[SCRIPT]['peak_bytes']['median'] / 1e6:.1f} MB at its peak"
    python = f"{s('python')} bare, {s('worker')} with this listener, {s('import_s')} for the SDK"
    return [
        ["HTTP check, CPU", "1-2 ms", http],
        ["exec check, CPU", "5-10 ms", f"{ms(SCRIPT, 'client_cpu_us')} (Python script)"],
        ["exec check, memory", "10-20 MB", peak],
        ["TCP check, time", "under 1 ms", f"{here['connect_us']['p50']:.0f} µs to connect"],
        ["TCP check, memory", "about 1 KB per connection", f"{here['kept_bytes']:.2f} B stay"],
        ["Python start", "2-3 s", python],
        ["CLI start", "3-5 s", s("cli_start_s")],
        ["first API call", "1-2 s", f"{s('first_call_s')}, the client's part only"],
    ]

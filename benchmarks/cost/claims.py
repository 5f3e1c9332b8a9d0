"""What the listener promises to cost, and whether the run shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.candidates import IN_A_THREAD, LISTENERS, ON_ASYNCIO
from benchmarks.cost.samples import SCRIPT
from benchmarks.cost.spread import Figures

VERDICTS = {True: "pass", False: "**fail**", None: "not measured"}
_RATIO_TO_FLOOR = {"asyncio": 1.6, "uvloop": 1.3, "trio": 2.2}
# Beside peers on the event loop that most workers run, and start_server's own.
_RATIO_TO_PEERS = {"asyncio.start_server": 0.4, "FastAPI with uvicorn": 0.25, SCRIPT: 1 / 200}

# What is promised, the bound that the figure must not exceed, and the figure: None where there were
# too few to tell.
Promise = tuple[str, float, float | None]


def judge(candidates: Figures) -> list[dict[str, Any]]:
    """Hold every promise against the figures; one that cannot be told holds None."""
    return [
        {
            "text": text,
            "bound": bound,
            "measured": measured,
            "holds": None if measured is None else measured <= bound,
        }
        for text, bound, measured in _promises(candidates)
    ]


def _promises(candidates: Figures) -> Iterator[Promise]:
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

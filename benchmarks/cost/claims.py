"""What the listener promises to cost, and whether the run shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from benchmarks.candidates import LISTENERS
from benchmarks.cost.exec_probes import SCRIPT

ON_ASYNCIO, IN_A_THREAD = LISTENERS[0].name, LISTENERS[3].name
_RATIO_TO_FLOOR = {"asyncio": 1.6, "uvloop": 1.3, "trio": 2.2}
# Beside peers on the event loop that most workers run, and start_server's own.
_RATIO_TO_PEERS = {"asyncio.start_server": 0.4, "FastAPI with uvicorn": 0.25, SCRIPT: 1 / 200}


class Claim(TypedDict):
    """One promise: `measured` must not exceed `bound`; None: there were too few to tell."""

    text: str
    bound: float
    measured: float | None
    holds: bool | None


def judge(candidates: dict[str, dict[str, Any]]) -> list[Claim]:
    """Hold every promise against the figures."""
    return [
        {
            "text": f"{who}: {what}",
            "bound": bound,
            "measured": measured,
            "holds": None if measured is None else measured <= bound,
        }
        for who, what, bound, measured in _promises(candidates)
    ]


def _promises(
    candidates: dict[str, dict[str, Any]],
) -> Iterator[tuple[str, str, float, float | None]]:
    for listener in LISTENERS:
        name, found = listener.name, candidates[listener.name]
        yield name, "p99 connect, µs", 1000.0, found["connect_us"]["p99"]
        threaded = name == IN_A_THREAD
        if threaded:
            on_asyncio = found["ratio_of"][ON_ASYNCIO]
            yield name, f"CPU per check, times {ON_ASYNCIO}", 1.0, on_asyncio
        else:
            bound = _RATIO_TO_FLOOR[listener.loop]
            yield name, "CPU per check, times the floor", bound, found["ratio_to_floor"]["median"]
        yield name, "bytes kept per check", 1.0, found["kept_bytes"]
        idle = found["idle_cpu_s_per_hour"] * 24
        yield name, "CPU of an idle listener, s per day", 1.0 if threaded else 5.0, idle
    here = candidates[ON_ASYNCIO]
    for peer, bound in _RATIO_TO_PEERS.items():
        yield ON_ASYNCIO, f"CPU per check, times {peer}", bound, here["ratio_of"][peer]
    imports = here["import"]
    yield "tcp_probe", "import over anyio's, ms of CPU", 5.0, imports["ms"]["median"]
    yield "tcp_probe", "import over anyio's, MB", 0.5, imports["bytes"]["median"] / 1e6


def line(claim: Claim) -> str:
    """Return a claim as one line."""
    verdict = {True: "pass", False: "FAIL", None: "not measured"}[claim["holds"]]
    measured = "-" if claim["measured"] is None else f"{claim['measured']:.4g}"
    return f"{verdict:4}  {claim['text']}: {measured} (at most {claim['bound']:.4g})"

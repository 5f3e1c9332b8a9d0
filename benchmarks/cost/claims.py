"""What the listener promises to cost, and whether the run shows it."""

from __future__ import annotations

from typing import Any, TypedDict

from benchmarks.candidates import LISTENERS
from benchmarks.cost.exec_probes import SCRIPT

_RATIO_TO_FLOOR = {"asyncio": 1.6, "uvloop": 1.3, "trio": 2.2}
_RATIO_TO_PEERS = {"asyncio.start_server": 0.4, "FastAPI with uvicorn": 0.25, SCRIPT: 1 / 200}


class Claim(TypedDict):
    """One promise: `measured` must not exceed `bound`; None: it could not be measured."""

    text: str
    bound: float
    measured: float | None
    holds: bool | None


def judge(candidates: dict[str, dict[str, Any]]) -> list[Claim]:
    """Hold every promise against the figures."""
    claims = []
    for listener in LISTENERS:
        found = candidates[listener.name]
        ratio = found["ratio_to_floor"]
        claims += [
            _claim(listener.name, "p99 connect, µs", 1000.0, found["connect_us"]["p99"]),
            _claim(
                listener.name,
                "CPU per check, times the floor",
                _RATIO_TO_FLOOR[listener.loop],
                ratio["median"] if ratio else None,
            ),
            _claim(listener.name, "bytes kept per check", 1.0, found["kept_bytes"]),
            _claim(
                listener.name,
                "CPU of an idle listener, s per day",
                5.0,
                found["idle_cpu_s_per_hour"] * 24,
            ),
        ]
    # Beside the peers on the event loop that most workers run, and start_server's own.
    on_asyncio = LISTENERS[0].name
    here = candidates[on_asyncio]
    imports = here["import"]
    return [
        *claims,
        *[
            _claim(on_asyncio, f"CPU per check, times {peer}", bound, here["ratio_of"][peer])
            for peer, bound in _RATIO_TO_PEERS.items()
        ],
        _claim("tcp_probe", "import over anyio's, ms of CPU", 5.0, imports["ms"]["median"]),
        _claim("tcp_probe", "import over anyio's, MB", 0.5, imports["bytes"]["median"] / 1e6),
    ]


def _claim(who: str, what: str, bound: float, measured: float | None) -> Claim:
    holds = None if measured is None else measured <= bound
    return {"text": f"{who}: {what}", "bound": bound, "measured": measured, "holds": holds}


def line(claim: Claim) -> str:
    """Return a claim as one line."""
    verdict = {True: "pass", False: "FAIL", None: "not measured"}[claim["holds"]]
    measured = "-" if claim["measured"] is None else f"{claim['measured']:.4g}"
    return f"{verdict:4}  {claim['text']}: {measured} (at most {claim['bound']:.4g})"

"""The figures that others publish for probes and for a worker's start, beside what was measured."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import defaultdict
from typing import Any

from benchmarks.cost.exec_probes import SCRIPT
from benchmarks.cost.spread import Spread, spread
from benchmarks.cost.standing import start_of_python
from benchmarks.processes import ROOT

_STARTS = {
    "python": ("-c", "pass"),
    "worker": ("-c", "import anyio, tcp_probe; tcp_probe.serve"),
}


def measure_starts(count: int) -> dict[str, Spread]:
    """Measure, in s, the start of Python and, with the SDK installed, of a Claude worker."""
    found = start_of_python(count, _STARTS)
    if importlib.util.find_spec("claude_agent_sdk") is None:
        return found
    rounds: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        command = [sys.executable, "-m", "benchmarks.cost.claude_start"]
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout
        for name, took in json.loads(output).items():
            rounds[name].append(took)
    return found | {name: spread(values) for name, values in rounds.items()}


def compare(candidates: dict[str, dict[str, Any]], starts: dict[str, Spread]) -> list[list[str]]:
    """Return rows: what, the published estimate, what was measured here."""
    here = candidates["tcp_probe on asyncio"]
    fastapi, aiohttp, script = (
        candidates[name] for name in ("FastAPI with uvicorn", "aiohttp", SCRIPT)
    )
    python = _s(starts, "python")
    worker = _s(starts, "worker")
    peak = f"{_mb(script['peak_bytes'])} at its peak" if script["peak_bytes"] else "not measured"
    return [
        [
            "HTTP check, CPU",
            "1-2 ms",
            f"{_ms(aiohttp['server_cpu_us'])} (aiohttp), {_ms(fastapi['server_cpu_us'])} (FastAPI)",
        ],
        ["exec check, CPU", "5-10 ms", f"{_ms(script['client_cpu_us'])} (Python script)"],
        ["exec check, memory", "10-20 MB", peak],
        [
            "TCP check, time",
            "under 1 ms",
            f"{here['connect_us']['p50']:.0f} µs to connect",
        ],
        ["TCP check, memory", "about 1 KB per connection", f"{here['kept_bytes']:.2f} B stay"],
        [
            "Python start",
            "2-3 s",
            f"{python} bare, {worker} with this listener, {_s(starts, 'import_s')} for the SDK",
        ],
        ["CLI start", "3-5 s", _s(starts, "cli_start_s")],
        ["first API call", "1-2 s", f"{_s(starts, 'first_call_s')}, the client's part only"],
    ]


def _ms(value: Spread) -> str:
    return f"{value['median'] / 1000:.2f} ms"


def _mb(value: Spread) -> str:
    return f"{value['median'] / 1e6:.1f} MB"


def _s(starts: dict[str, Spread], name: str) -> str:
    return f"{starts[name]['median']:.2f} s" if name in starts else "not measured (no SDK)"

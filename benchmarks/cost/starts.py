"""The figures that others publish for probes and for a worker's start, beside what was measured."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections import defaultdict
from statistics import median

from benchmarks.candidates import ON_ASYNCIO
from benchmarks.cost.samples import SCRIPT
from benchmarks.cost.spread import Figures
from benchmarks.processes import ROOT, found_by, module

_STARTS = {"python": "pass", "worker": "import anyio, tcp_probe; tcp_probe.serve"}


def measure_starts(count: int) -> dict[str, float]:
    """Measure, in s, the start of Python and, with the SDK installed, of a Claude worker."""
    rounds: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        for name, code in _STARTS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
            rounds[name].append(time.perf_counter() - began)
        if importlib.util.find_spec("claude_agent_sdk"):
            for name, took in found_by(module("cost.claude_start")).items():
                rounds[name].append(took)
    return {name: median(values) for name, values in rounds.items()}


def compare(candidates: Figures, starts: dict[str, float]) -> list[list[str]]:
    """Return rows: what, the published estimate, what was measured here."""

    def ms(name: str, figure: str) -> str:
        return f"{candidates[name][figure]['median'] / 1000:.2f} ms"

    def s(name: str) -> str:
        return f"{starts[name]:.2f} s" if name in starts else "not measured (no SDK)"

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

"""What an exec probe costs: a process each time."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import defaultdict
from typing import Any

from benchmarks.candidates import ON_ASYNCIO
from benchmarks.cost.bench import Bench, Figures
from benchmarks.cost.spread import percentiles, spread
from benchmarks.processes import ROOT

SCRIPT = "exec Python script"
CHECK = "exec python -m tcp_probe check"
BASH = "exec bash /dev/tcp"
EXEC_PROBES = (SCRIPT, CHECK, BASH)

_SETTLE = 0.02  # s, in which the server closes the connection after the command has ended


def measure_exec_probes(bench: Bench) -> Figures:
    """Exec probes: time, CPU and peak of memory, and the checked listener's CPU."""
    pid_file = bench.folder / "worker.pid"
    pid_file.write_text(str(os.getpid()), encoding="utf-8")
    os.environ.setdefault("ANTHROPIC_API_KEY", "any")
    server = bench.servers[ON_ASYNCIO.name]
    commands = {
        SCRIPT: [sys.executable, str(ROOT / "benchmarks" / "exec_probe.py"), str(pid_file)],
        CHECK: [sys.executable, "-m", "tcp_probe", "check", str(server.port)],
        BASH: ["bash", "-c", f"</dev/tcp/127.0.0.1/{server.port}"],
    }
    found: dict[str, list[Any]] = defaultdict(list)
    for _ in range(bench.sizes["command_rounds"]):
        for name in random.sample(EXEC_PROBES, len(EXEC_PROBES)):
            before = server.cpu_ns
            [whole], [cpu], [peak] = bench.client.commands(commands[name], 1)
            time.sleep(_SETTLE)
            served = (server.cpu_ns - before) / 1000
            found[name].append((whole / 1000, cpu / 1000, served, peak))
    figures: Figures = {}
    for name in EXEC_PROBES:
        wholes, cpus, served_cpu, peaks = zip(*found[name], strict=True)
        figures[name] = {
            "whole_us": percentiles(wholes),
            "client_cpu_us": spread(cpus),
            "server_cpu_us": spread(served_cpu) if name != SCRIPT else None,
            "peak_bytes": spread(peaks),
        }
    return figures

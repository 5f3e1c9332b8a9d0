"""What a candidate costs while nobody checks: memory, imports, and the CPU of an idle server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.candidates import LISTENERS, PEERS, WORKERS
from benchmarks.client import Client
from benchmarks.cost.bench import FLOOR, to_the_end
from benchmarks.cost.spread import Spread, spread
from benchmarks.processes import ROOT, Server, candidate_command, serving

_WARM_UP = 100  # checks

_IMPORT = """
import sys, time
import anyio
from benchmarks.accounting import resident_bytes
async def nothing(): pass
anyio.run(nothing)
memory, began = resident_bytes("self"), time.process_time_ns()
{imports}
took = time.process_time_ns() - began
print(took, resident_bytes("self") - memory)
"""


def measure_resident(client: Client, starts: int, floor: Path | None) -> dict[str, Spread]:
    """Measure the bytes that each candidate adds to the same process without it.

    The floor has no process to be added to: for it, all of its own.
    """
    names = [each.name for each in (*WORKERS, *LISTENERS, *PEERS)]
    commands: dict[str, list[str]] = {name: candidate_command(name) for name in names}
    if floor is not None:
        commands[FLOOR] = [str(floor), "5"]
    rounds: dict[str, list[int]] = defaultdict(list)
    for _ in range(starts):
        with serving(commands) as servers:
            for name, server in servers.items():
                if server.port:
                    client.one_by_one(to_the_end(name), server.port, _WARM_UP)
                rounds[name].append(server.resident_bytes)
    without = {each.name: rounds[f"nothing on {each.loop}"] for each in (*LISTENERS, *PEERS)} | {
        FLOOR: [0] * starts
    }
    return {
        name: spread([value - bare for value, bare in zip(values, without[name], strict=True)])
        for name, values in rounds.items()
        if name in without
    }


def measure_imports(count: int) -> dict[str, dict[str, Spread]]:
    """Measure what a candidate's import adds, in ms of CPU and bytes, once anyio has run."""
    candidates = (*LISTENERS, *PEERS)
    rounds: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for _ in range(count):
        for code in dict.fromkeys(each.imports for each in candidates):
            command = [sys.executable, "-c", _IMPORT.format(imports=code)]
            output = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout
            took, memory = map(int, output.split())
            rounds[code].append((took / 1e6, memory))
    return {
        each.name: {
            "ms": spread([took for took, _ in rounds[each.imports]]),
            "bytes": spread([memory for _, memory in rounds[each.imports]]),
        }
        for each in candidates
    }


class Idle:
    """Watches servers that nobody checks, beside whatever else runs."""

    def __init__(self, servers: Mapping[str, Server]) -> None:
        self._servers = servers
        self._began = time.monotonic()
        self._before = {name: server.cpu_ns for name, server in servers.items()}

    def cpu_per_second(self) -> dict[str, float]:
        """Return the s of CPU that each has taken per s so far."""
        elapsed = time.monotonic() - self._began
        return {
            name: (server.cpu_ns - self._before[name]) / 1e9 / elapsed
            for name, server in self._servers.items()
        }

    def wait(self, least: float) -> None:
        """Wait until the servers have been watched for `least` seconds."""
        time.sleep(max(0.0, self._began + least - time.monotonic()))


def start_of_python(count: int, programs: Mapping[str, Sequence[str]]) -> dict[str, Spread]:
    """Measure how long Python takes, in s, to run each program from start to end."""
    rounds: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        for name, arguments in programs.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT)
            rounds[name].append(time.perf_counter() - began)
    return {name: spread(values) for name, values in rounds.items()}

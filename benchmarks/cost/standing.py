"""What a candidate costs while nobody checks: memory, imports, and the CPU of an idle server."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Mapping

from benchmarks.candidates import BARE, LISTENERS, PEERS, WORKERS
from benchmarks.cost.bench import FLOOR, Bench, to_the_end
from benchmarks.cost.spread import Spread, spread
from benchmarks.processes import Server, candidate_command, output_of, serving

_WARM_UP = 100  # checks

_IMPORT = """
import sys, time
import anyio
from benchmarks.processes import resident_bytes
async def nothing(): pass
anyio.run(nothing)
memory, began = resident_bytes("self"), time.process_time_ns()
{imports}
took = time.process_time_ns() - began
print(took, resident_bytes("self") - memory)
"""


def measure_resident(bench: Bench) -> dict[str, Spread]:
    """Measure the bytes that each candidate adds to the same process without it.

    The floor in C has no process to be added to, and keeps all of its own: it is left as it runs.
    """
    candidates = (*LISTENERS, BARE, *PEERS)
    commands = {each.name: candidate_command(each.name) for each in (*WORKERS, *candidates)}
    rounds: dict[str, list[int]] = defaultdict(list)
    for _ in range(bench.sizes["starts"]):
        with serving(commands) as servers:
            for name, server in servers.items():
                if server.port:
                    bench.client.one_by_one(to_the_end(name), server.port, _WARM_UP)
                rounds[name].append(server.resident_bytes)
    return {FLOOR: spread([bench.servers[FLOOR].resident_bytes])} | {
        each.name: spread(
            [
                value - bare
                for value, bare in zip(
                    rounds[each.name], rounds[f"nothing on {each.loop}"], strict=True
                )
            ]
        )
        for each in candidates
    }


def measure_imports(count: int) -> dict[str, dict[str, Spread]]:
    """Measure what a candidate's import adds, in ms of CPU and bytes, once anyio has run."""
    candidates = (*LISTENERS, *PEERS)
    rounds: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for _ in range(count):
        for code in dict.fromkeys(each.imports for each in candidates):
            output = output_of([sys.executable, "-c", _IMPORT.format(imports=code)])
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

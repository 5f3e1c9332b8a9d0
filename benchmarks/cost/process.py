"""What a candidate costs the worker's process: memory, imports, and the work that it loses."""

from __future__ import annotations

import sys
import time
from collections import defaultdict

from benchmarks.busy import Progress, progress_in
from benchmarks.candidates import CHECKED, LISTENERS, PEERS, WORKERS
from benchmarks.cost.bench import FLOOR, Bench, Figures, to_the_end
from benchmarks.cost.spread import spread
from benchmarks.processes import SERVER_CORE, Server, found_by, serving, worker

_WARM_UP = 100  # checks
_PERIOD = 0.00025  # s between checks of a busy worker: many enough to be seen in its work
_IMPORT = """
import time
import anyio
from benchmarks.processes import resident_bytes
async def nothing(): pass
anyio.run(nothing)
memory, began = resident_bytes("self"), time.process_time_ns()
{imports}
took = time.process_time_ns() - began
print([took, resident_bytes("self") - memory])
"""


def measure_resident(bench: Bench) -> Figures:
    """Resident memory that each candidate adds to the same process without it.

    The floor in C has no process to be added to, and keeps all of its own: it is left as it runs.
    """
    commands = {each.name: worker(each.name) for each in (*WORKERS, *CHECKED)}
    rounds: dict[str, list[int]] = defaultdict(list)
    for _ in range(bench.sizes["starts"]):
        with serving(commands) as servers:
            for name, server in servers.items():
                if server.port:
                    bench.check(to_the_end(name), server, _WARM_UP)
                rounds[name].append(server.resident_bytes)
    found: Figures = {FLOOR: {"resident_bytes": spread([bench.servers[FLOOR].resident_bytes])}}
    for each in CHECKED:
        pairs = zip(rounds[each.name], rounds[f"nothing on {each.loop}"], strict=True)
        found[each.name] = {"resident_bytes": spread([value - bare for value, bare in pairs])}
    return found


def measure_imports(bench: Bench) -> Figures:
    """CPU and memory that a candidate's import adds, once anyio has run."""
    rounds: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for _ in range(bench.sizes["imports"]):
        for code in dict.fromkeys(each.imports for each in (*LISTENERS, *PEERS)):
            rounds[code].append(found_by([sys.executable, "-c", _IMPORT.format(imports=code)]))
    found: Figures = {}
    for each in (*LISTENERS, *PEERS):
        took, memory = zip(*rounds[each.imports], strict=True)
        ms = spread([ns / 1e6 for ns in took])
        found[each.name] = {"import": {"ms": ms, "bytes": spread(memory)}}
    return found


def measure_worker_loss(bench: Bench) -> Figures:
    """Work that a busy worker in the same loop loses for each check.

    The worker counts units of work. What it takes for one, in CPU time, is measured without checks;
    then, with checks, whatever CPU time did not go into units went into the checks.
    """
    names = [each.name for each in (*LISTENERS, *PEERS)]
    files = {name: bench.folder / name for name in names}
    progress = {name: progress_in(file) for name, file in files.items()}
    found: dict[str, list[float]] = defaultdict(list)
    commands = {name: worker(name, "busy", file) for name, file in files.items()}
    with serving(commands, SERVER_CORE) as servers:
        for name in names * bench.sizes["worker_rounds"]:
            lost = _lost(bench, to_the_end(name), servers[name], progress[name])
            found[name].append(lost / bench.sizes["worker_checks"])
    return {name: {"worker_loss_us": spread(values)} for name, values in found.items()}


def _lost(bench: Bench, kind: str, server: Server, progress: Progress) -> float:
    def let_work(least: float) -> tuple[float, float]:
        units, end = progress.units + 100, time.monotonic() + least
        while progress.units < units or time.monotonic() < end:
            time.sleep(0.01)
        return server.cpu_ns / 1000, progress.units

    checks = bench.sizes["worker_checks"]
    progress.working = True
    cpu, units = let_work(0.02)
    cpu_middle, units_middle = let_work(checks * _PERIOD)
    bench.check(kind, server, checks, period=_PERIOD)
    cpu_end, units_end = server.cpu_ns / 1000, progress.units
    progress.working = False
    unit = (cpu_middle - cpu) / (units_middle - units)
    return cpu_end - cpu_middle - (units_end - units_middle) * unit

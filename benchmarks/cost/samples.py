"""What is measured: each part yields a candidate, a figure and its value, once for each round."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.busy import Progress, progress_in
from benchmarks.candidates import CHECKED, LISTENERS, ON_ASYNCIO, PEERS, WORKERS
from benchmarks.client import check, run, start, times
from benchmarks.cost.spread import Sample
from benchmarks.processes import (
    ROOT,
    SERVER_CORE,
    Server,
    found_by,
    resident_bytes,
    serving,
    worker,
)

FLOOR = "C floor"
EXEC_PROBES = SCRIPT, CHECK, BASH = (
    "exec Python script",
    "exec python -m tcp_probe check",
    "exec bash /dev/tcp",
)
_PACE: dict[str, Any] = {"period": 0.001, "spin": True}
_SETTLE = 0.02  # s, in which the server closes the connection after an exec probe has ended
_WARM_UP = 100  # checks
_BUSY_PERIOD = 0.00025  # s between checks of a busy worker: many enough to be seen in its work
_STARTS = {"python": "pass", "worker": "import anyio, tcp_probe; tcp_probe.serve"}
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


@dataclass(frozen=True)
class Bench:
    """How much to measure, a server for each candidate, and some that are never checked."""

    sizes: Mapping[str, Any]
    servers: Mapping[str, Server]
    idle: Mapping[str, Server]
    began: float  # when the idle ones were seen first, and their CPU time in ns then
    before: Mapping[str, int]


def _turns(servers: Mapping[str, Server], rounds: int) -> Iterator[tuple[str, Server]]:
    """Yield every server once a round, in a new order each round."""
    for _ in range(rounds):
        yield from random.sample(list(servers.items()), len(servers))


def checks_of_kubelet(bench: Bench) -> Iterator[Sample]:
    """Make checks as kubelet makes them, 1000/s."""
    for name, server in _turns(bench.servers, bench.sizes["rounds"]):
        cpu, (connects, wholes) = check(server, bench.sizes["checks"], **_PACE)
        yield name, "server_cpu_us", cpu
        for connect in connects:
            yield name, "connect_us", connect / 1000
        if server.kind == "http":
            yield from ((name, "whole_us", whole / 1000) for whole in wholes)
    for name, server in _turns(bench.servers, bench.sizes["eof_rounds"]):
        if server.kind == "tcp":
            _, (_, wholes) = check(server, bench.sizes["checks"], to_the_end=True, **_PACE)
            yield from ((name, "whole_us", whole / 1000) for whole in wholes)


def checks_at_once(bench: Bench) -> Iterator[Sample]:
    """Make 1 to 256 checks at once."""
    for level in bench.sizes["levels"]:
        count = level * max(1, bench.sizes["level_checks"] // level)
        for name, server in _turns(bench.servers, bench.sizes["level_rounds"]):
            cpu, _ = check(server, count, to_the_end=True, level=level)
            yield name, f"cpu_us_at_once_{level}", cpu


def slow_checks(bench: Bench) -> Iterator[Sample]:
    """Make 1 to 100 checks/s, and take off what an idle server takes anyway.

    Below 100 checks/s all candidates are checked at the same time, each by a client of its own, as
    the pods of a node are.
    """
    time.sleep(max(0.0, bench.began + bench.sizes["idle"] - time.monotonic()))
    took = time.monotonic() - bench.began
    idle = {name: (each.cpu_ns - bench.before[name]) / took for name, each in bench.idle.items()}
    for name, ns_per_s in idle.items():
        yield name, "idle_cpu_s_per_hour", ns_per_s * 3600 / 1e9
    servers = list(bench.servers.items())
    for rate, checks in bench.sizes["rates"]:
        groups = [[each] for each in servers] if rate >= 100 else [servers]
        for group in groups * bench.sizes["slow_rounds"]:
            before = {name: server.cpu_ns for name, server in group}
            for checking in [start(server, checks, period=1 / rate) for _, server in group]:
                times(checking)
            for name, server in group:
                spent = (server.cpu_ns - before[name]) / checks - idle.get(name, 0.0) / rate
                yield name, f"cpu_us_at_rate_{rate}", spent / 1000


def memory_kept(bench: Bench) -> Iterator[Sample]:
    """Look what stays of resident memory for each check, once all is warm."""
    count = bench.sizes["kept_checks"]
    for name, server in bench.servers.items():
        check(server, count, to_the_end=True)
        before = resident_bytes(server.pid)
        check(server, 2 * count, to_the_end=True)
        yield name, "kept_bytes", (resident_bytes(server.pid) - before) / (2 * count)


def exec_probes(bench: Bench) -> Iterator[Sample]:
    """Run exec probes: their time, CPU and peak of memory, and the checked listener's CPU."""
    pid_file = Path(mkdtemp(), "worker.pid")
    pid_file.write_text(str(os.getpid()), encoding="utf-8")
    os.environ.setdefault("ANTHROPIC_API_KEY", "any")
    server = bench.servers[ON_ASYNCIO.name]
    commands = {
        SCRIPT: [sys.executable, str(ROOT / "benchmarks" / "exec_probe.py"), str(pid_file)],
        CHECK: [sys.executable, "-m", "tcp_probe", "check", str(server.port)],
        BASH: ["bash", "-c", f"</dev/tcp/127.0.0.1/{server.port}"],
    }
    for _ in range(bench.sizes["command_rounds"]):
        for name in random.sample(EXEC_PROBES, len(EXEC_PROBES)):
            before = server.cpu_ns
            whole, cpu, peak = run(commands[name])
            time.sleep(_SETTLE)
            yield name, "whole_us", whole / 1000
            yield name, "client_cpu_us", cpu / 1000
            yield name, "peak_bytes", peak
            if name != SCRIPT:
                yield name, "server_cpu_us", (server.cpu_ns - before) / 1000


def resident_memory(bench: Bench) -> Iterator[Sample]:
    """Look how much memory each candidate adds to the same process without it.

    The floor in C has no process to be added to, and keeps all of its own: it is left as it runs.
    """
    yield FLOOR, "resident_bytes", resident_bytes(bench.servers[FLOOR].pid)
    commands = {each.name: worker(each.name) for each in (*WORKERS, *CHECKED)}
    for _ in range(bench.sizes["starts"]):
        with serving(commands) as servers:
            for each in CHECKED:
                check(servers[each.name], _WARM_UP, to_the_end=True)
            held = {name: resident_bytes(server.pid) for name, server in servers.items()}
        for each in CHECKED:
            yield each.name, "resident_bytes", held[each.name] - held[f"nothing on {each.loop}"]


def imports(bench: Bench) -> Iterator[Sample]:
    """Import what each candidate needs, once anyio has run."""
    candidates = (*LISTENERS, *PEERS)
    for _ in range(bench.sizes["imports"]):
        found = {
            code: found_by([sys.executable, "-c", _IMPORT.format(imports=code)])
            for code in {each.imports for each in candidates}
        }
        for each in candidates:
            took, memory = found[each.imports]
            yield each.name, "import_ms", took / 1e6
            yield each.name, "import_bytes", memory


def worker_loss(bench: Bench) -> Iterator[Sample]:
    """Check busy workers, each in the loop of a candidate, which lose some of their work.

    The worker counts units of work. What it takes for one, in CPU time, is measured without checks;
    then, with checks, whatever CPU time did not go into units went into the checks.
    """
    folder = mkdtemp()
    files = {each.name: Path(folder, each.name) for each in (*LISTENERS, *PEERS)}
    shared = {name: progress_in(file) for name, file in files.items()}
    commands = {name: worker(name, "busy", file) for name, file in files.items()}
    count = bench.sizes["worker_checks"]
    with serving(commands, SERVER_CORE) as servers:
        for name, server in _turns(servers, bench.sizes["worker_rounds"]):
            shared[name].working = True
            cpu, units = _let_work(server, shared[name], 0.02)
            cpu_middle, units_middle = _let_work(server, shared[name], count * _BUSY_PERIOD)
            check(server, count, to_the_end=True, period=_BUSY_PERIOD)
            cpu_end, units_end = server.cpu_ns / 1000, shared[name].units
            shared[name].working = False
            unit = (cpu_middle - cpu) / (units_middle - units)
            lost = cpu_end - cpu_middle - (units_end - units_middle) * unit
            yield name, "worker_loss_us", lost / count


def _let_work(server: Server, progress: Progress, least: float) -> tuple[float, int]:
    """Return, at least 100 units and so many s later, the µs of CPU and the units so far."""
    units, end = progress.units + 100, time.monotonic() + least
    while progress.units < units or time.monotonic() < end:
        time.sleep(0.01)
    return server.cpu_ns / 1000, progress.units


def starts(count: int) -> Iterator[Sample]:
    """Start Python and, with the SDK installed, a Claude worker: in s."""
    for _ in range(count):
        for name, code in _STARTS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
            yield "starts", name, time.perf_counter() - began
        if importlib.util.find_spec("claude_agent_sdk"):
            for name, took in found_by(worker(WORKERS[0].name, "cost.claude_start")).items():
                yield "starts", name, took


PARTS = (  # in this order
    checks_of_kubelet,
    checks_at_once,
    memory_kept,
    exec_probes,
    worker_loss,
    resident_memory,
    imports,
    slow_checks,
)

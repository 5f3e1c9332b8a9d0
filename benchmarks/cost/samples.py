"""What is measured: each part yields a candidate, a figure's column and what one round gave."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

from benchmarks.busy import done, units_in
from benchmarks.candidates import CHECKED, LISTENERS, ON_ASYNCIO, PEERS, WORKERS
from benchmarks.client import check
from benchmarks.processes import (
    ROOT,
    SERVER_CORE,
    Server,
    compiled,
    found_by,
    resident_bytes,
    serving,
    worker,
)
from benchmarks.run import Rows, say

FLOOR = "C floor"
EXEC_PROBES = SCRIPT, CHECK, BASH = (
    "exec Python script",
    "exec python -m tcp_probe check",
    "exec bash /dev/tcp",
)
# The columns; those of a check of kubelet, 1000/s, where they do not say how often.
CPU = "server CPU, µs"
TIMES = "times the floor"
OWN_CPU = "client CPU, µs"
CONNECT = "connect p50 / p99 / p99.9, µs"
WHOLE = "to its end p50 / p99 / p99.9, µs"
LOSS = "a busy worker loses, µs"
ONCE_A_SECOND = "1/s"
RESIDENT = "resident memory added, MB"
PEAK = "peak of a check's process, MB"
KEPT = "bytes kept per check"
IMPORT_CPU = "import over anyio's, ms of CPU"
IMPORT_MEMORY = "import over anyio's, MB"
IDLE = "idle, s of CPU a day"

_PERIOD = 0.001  # s between checks of kubelet
_SETTLE = 0.02  # s, in which the server closes the connection after an exec probe has ended
_TAIL = 0.05  # s, in which a server has done with 256 checks, whose clients have their answers
_WARM_UP = 100  # checks
_BUSY_PERIOD = 0.00025  # s between checks of a busy worker: many enough to be seen in its work
_STARTS = {
    "Python, bare": "pass",
    "Python with this listener": "import anyio, tcp_probe; tcp_probe.serve",
}
_IMPORT = """
import time
import anyio
from benchmarks.processes import resident_bytes
async def nothing(): pass
anyio.run(nothing)
memory, began = resident_bytes("self"), time.process_time()
{imports}
took = time.process_time() - began
print([took * 1e3, (resident_bytes("self") - memory) / 1e6])
"""

# What a round gave: one value, or one for each of its checks.
Sample = tuple[str, str, Any]


class Bench:
    """How much to measure, a server for each candidate, and some that are never checked."""

    def __init__(
        self, sizes: Mapping[str, Any], servers: Mapping[str, Server], idle: Mapping[str, Server]
    ) -> None:
        self.sizes = sizes
        self.servers = servers
        self._idle = {name: (server, server.cpu_ns) for name, server in idle.items()}
        self._began = time.monotonic()

    def idle_shares(self) -> dict[str, float]:
        """Return which share of a core each server takes that is never checked."""
        time.sleep(max(0.0, self._began + self.sizes["idle"] - time.monotonic()))
        ns = (time.monotonic() - self._began) * 1e9
        return {name: (server.cpu_ns - cpu) / ns for name, (server, cpu) in self._idle.items()}


def _turns(servers: Mapping[str, Server], rounds: int) -> Iterator[tuple[str, Server]]:
    """Yield every server once a round, in a new order each round."""
    for _ in range(rounds):
        yield from random.sample(list(servers.items()), len(servers))


def checks_of_kubelet(bench: Bench) -> Iterator[Sample]:
    """Make checks as kubelet makes them, 1000/s."""
    count = bench.sizes["checks"]
    for name, server in _turns(bench.servers, bench.sizes["rounds"]):
        before = server.cpu_ns
        connects, wholes = check(server, count, period=_PERIOD)
        yield name, CPU, (server.cpu_ns - before) / count / 1000
        yield name, CONNECT, connects
        if server.kind == "http":
            yield name, WHOLE, wholes
    for name, server in _turns(bench.servers, bench.sizes["eof_rounds"]):
        if server.kind == "tcp":
            _, wholes = check(server, count, to_the_end=True, period=_PERIOD)
            yield name, WHOLE, wholes


def checks_at_once(bench: Bench) -> Iterator[Sample]:
    """Make 1 to 256 checks at once."""
    for level in bench.sizes["levels"]:
        count = level * max(1, bench.sizes["level_checks"] // level)
        for name, server in _turns(bench.servers, bench.sizes["level_rounds"]):
            before = server.cpu_ns
            check(server, count, to_the_end=True, level=level)
            time.sleep(_TAIL)
            yield name, f"{level} at once", (server.cpu_ns - before) / count / 1000


def slow_checks(bench: Bench) -> Iterator[Sample]:
    """Make 1 to 100 checks/s, and take off what an idle server takes anyway.

    Below 100 checks/s one candidate is checked after the other, as the pods of a node are.
    """
    shares = bench.idle_shares()
    servers = list(bench.servers.items())
    for rate, checks in bench.sizes["rates"]:
        groups = [[each] for each in servers] if rate >= 100 else [servers]
        for group in groups * bench.sizes["slow_rounds"]:
            before, began = {name: each.cpu_ns for name, each in group}, time.monotonic()
            for number in range(1, checks + 1):
                for _, server in group:
                    check(server, 1)
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            for name, server in group:
                spent = (server.cpu_ns - before[name]) / checks / 1e9
                yield name, f"{rate}/s", (spent - shares.get(name, 0.0) / rate) * 1e6


def idle(bench: Bench) -> Iterator[Sample]:
    """Look what servers take that nobody checks."""
    yield from ((name, IDLE, share * 86_400) for name, share in bench.idle_shares().items())


def memory_kept(bench: Bench) -> Iterator[Sample]:
    """Look what stays of resident memory for each check, once all is warm."""
    count = bench.sizes["kept_checks"]
    for name, server in bench.servers.items():
        check(server, count, to_the_end=True)
        before = resident_bytes(server.pid)
        check(server, 2 * count, to_the_end=True)
        yield name, KEPT, (resident_bytes(server.pid) - before) / (2 * count)


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
            whole, cpu, peak = found_by([compiled("run"), *commands[name]])
            time.sleep(_SETTLE)
            yield name, WHOLE, whole
            yield name, OWN_CPU, cpu
            yield name, PEAK, peak / 1e6
            if name != SCRIPT:
                yield name, CPU, (server.cpu_ns - before) / 1000


def resident_memory(bench: Bench) -> Iterator[Sample]:
    """Look how much memory each candidate adds to the same process without it.

    The floor in C has no process to be added to, and keeps all of its own: it is left as it runs.
    """
    yield FLOOR, RESIDENT, resident_bytes(bench.servers[FLOOR].pid) / 1e6
    commands = {each.name: worker(each.name) for each in (*WORKERS, *CHECKED)}
    for _ in range(bench.sizes["starts"]):
        with serving(commands) as servers:
            for each in CHECKED:
                check(servers[each.name], _WARM_UP, to_the_end=True)
            held = {name: resident_bytes(server.pid) / 1e6 for name, server in servers.items()}
        for each in CHECKED:
            yield each.name, RESIDENT, held[each.name] - held[f"nothing on {each.loop}"]


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
            yield each.name, IMPORT_CPU, took
            yield each.name, IMPORT_MEMORY, memory


def worker_loss(bench: Bench) -> Iterator[Sample]:
    """Check busy workers, each in the loop of a candidate, which lose some of their work.

    What a worker does in a second of CPU time is measured without checks; then, with checks,
    whatever CPU time did not go into work went into the checks. The others stand still meanwhile.
    """
    folder, count = mkdtemp(), bench.sizes["worker_checks"]
    files = {each.name: Path(folder, each.name) for each in (*LISTENERS, *PEERS)}
    units = {name: units_in(file) for name, file in files.items()}
    commands = {name: worker(name, "busy", file) for name, file in files.items()}
    with serving(commands, SERVER_CORE) as servers:
        for server in servers.values():
            _stop(server)
        for name, server in _turns(servers, bench.sizes["worker_rounds"]):
            rests = partial(_rest, units[name], count * _BUSY_PERIOD)
            checks = partial(check, server, count, to_the_end=True, period=_BUSY_PERIOD)
            alone, _ = done(server, units[name], partial(_run, server, rests))
            checked, took = done(server, units[name], partial(_run, server, checks))
            yield name, LOSS, took * (1 - checked / alone) / count * 1e6


def _run(server: Server, during: Callable[[], object]) -> None:
    server.resume()
    during()
    _stop(server)


def _stop(server: Server) -> None:
    """Stop it: the CPU time of one that runs is up to a tick, 4 ms, behind."""
    server.suspend()
    while server.status() != psutil.STATUS_STOPPED:
        time.sleep(0.001)


def _rest(units: memoryview, seconds: float) -> None:
    """Wait so long, and until 100 units are done."""
    enough, ends = units[0] + 100, time.monotonic() + seconds
    while units[0] < enough or time.monotonic() < ends:
        time.sleep(0.005)


def starts(count: int) -> Rows:
    """Start Python and, with the SDK installed, a Claude worker."""
    found: Rows = defaultdict(lambda: {"s": []})
    has_sdk = find_spec("claude_agent_sdk")
    if not has_sdk:
        say("a Claude worker is not started: claude_agent_sdk is not installed")
    for _ in range(count):
        for name, code in _STARTS.items():
            took, *_ = found_by([compiled("run"), sys.executable, "-c", code])
            found[name]["s"].append(took / 1e6)
        if has_sdk:
            for name, took in found_by(worker(WORKERS[0].name, "cost.claude_start")).items():
                found[name]["s"].append(took)
    return found

"""A worker that never rests, and its checks, while others flood its port or misuse it."""

from __future__ import annotations

import asyncio
import socket
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import itemgetter, methodcaller
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.busy import Progress, progress_in
from benchmarks.candidates import CANDIDATES, LISTENERS, PEERS, THREAD
from benchmarks.checks import check, checks
from benchmarks.processes import SERVER_CORE, Server, found_by, module, resources, serving, worker
from benchmarks.run import Columns, Results, cell, table

BESIDE = {
    **{each.name: "beside this listener" for each in LISTENERS},
    **{each.name: "beside others in its loop" for each in PEERS},
    THREAD.name: "beside a server in a thread",
}
_LEAD = 0.5  # s that a flood begins before it is looked at
HOLD = "hold"  # and close with all others, at the end
_PAUSE = 0.002  # s between two connections
# A client that finds no room gives up: the kernel would knock again after a whole second only.
_PATIENCE = 0.05  # s


def _ask_by_http(client: socket.socket) -> None:
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.recv(1000)


_reset_at_close = methodcaller("setsockopt", socket.SOL_SOCKET, socket.SO_LINGER, b"\1" + bytes(7))
ABUSES: dict[str, tuple[str, Callable[[socket.socket], object]]] = {
    HOLD: ("127.0.0.1", methodcaller("fileno")),
    "reset": ("127.0.0.1", _reset_at_close),
    "send garbage": ("127.0.0.1", methodcaller("sendall", bytes(range(256)) * 256)),
    "send an HTTP request": ("127.0.0.1", _ask_by_http),
    "check from IPv6": ("::1", methodcaller("fileno")),
}


@dataclass(frozen=True)
class _Loaded:
    """A server whose worker never rests, and the file that tells the delays of its loop."""

    server: Server
    progress: Progress
    delays: Path

    def check_for(self, seconds: float) -> Results:
        """Check once in a second for so long.

        Returns what the worker got done meanwhile: units of its work a second and per second of its
        process's CPU time (what others take from the machine is not in that), and the delays of its
        loop in s; and how the checks went.
        """
        seen = self.delays.stat().st_size
        began, cpu, units = time.monotonic(), self.server.cpu_ns, self.progress.units
        found = asyncio.run(self._check_until(began + seconds))
        took, used = time.monotonic() - began, (self.server.cpu_ns - cpu) / 1e9
        units = self.progress.units - units
        delays = sorted(array("d", self.delays.read_bytes()[seen:]))
        return {
            "units_per_second": units / took,
            "units_per_cpu_second": units / used,
            "delays": {
                f"p{each}": delays[len(delays) * each // 100] for each in (50, 99) if delays
            },
            "checks": {**found, "killed": found["killed"] > 0},
        }

    async def _check_until(self, ends: float) -> Counter[str]:
        found = Counter(passed=0, failed=0, killed=0)
        async for outcome, kills in checks(partial(check, self.server.told), ends):
            passes = outcome.success is True
            found.update(passed=passes, failed=not passes, killed=kills)
        await asyncio.sleep(ends - time.monotonic())
        return found


@contextmanager
def _loaded(name: str) -> Iterator[_Loaded]:
    """Run a candidate, with the backlog of its defaults, on the servers' core."""
    with TemporaryDirectory() as folder:
        file, delays = Path(folder, "progress"), Path(folder, "delays")
        progress = progress_in(file)
        progress.working = True
        delays.touch()
        command = worker(name, "busy", file, delays, backlog=CANDIDATES[name].backlog)
        with serving({name: command}, SERVER_CORE, quiet=True) as servers:
            yield _Loaded(servers[name], progress, delays)


def _passed(row: tuple[str, Any]) -> str:
    """Show how many of the checks of a row passed."""
    made = row[1].get("checks")
    return f"{made['passed']} of {made['passed'] + made['failed']}" if made else ""


def measure_floods(name: str, sizes: Mapping[str, Any]) -> Results:
    """Measure a candidate without a flood, then with one from so many clients."""
    with _loaded(name) as worker:
        quiet = worker.check_for(sizes["quiet"])
        floods = {
            str(clients): _flood(worker, clients, sizes["flood"])
            for clients in sizes["flood_clients"]
        }
    return {"backlog": CANDIDATES[name].backlog, "quiet": quiet, "floods": floods}


def _flood(worker: _Loaded, clients: int, seconds: float) -> Results:
    command = module("load.flood", worker.server.port, clients, seconds + _LEAD)
    with ThreadPoolExecutor(1) as flooding:
        counts = flooding.submit(found_by, command)
        time.sleep(_LEAD)
        return {**worker.check_for(seconds), "clients": counts.result()}


def report_floods(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    rows, shares = [], defaultdict(list)
    for name, each in found.items():
        quiet = {**each["quiet"], "checks": None, "clients": {"connected": 0, "given up": 0}}
        for clients, flood in {"0": quiet, **each["floods"]}.items():
            share = flood["units_per_cpu_second"] / quiet["units_per_cpu_second"]
            row = {**flood, "number": clients, "share": share}
            rows.append((f"{name} ({each['backlog']})", row))
            if flood is not quiet:
                shares[BESIDE[name]].append(share)

    def killed(row: Any) -> str:
        checks = row[1]["checks"]
        return "" if checks is None else "yes" if checks["killed"] else "no"

    rate = 1 / (sizes["flood"] + _LEAD)
    columns: Columns = {
        "candidate (backlog)": itemgetter(0),
        "clients": lambda row: row[1]["number"],
        "connections/s": cell("clients.connected", "{:.0f}", rate),
        "given up/s": cell("clients.given up", "{:.0f}", rate),
        "worker's share of the CPU, %": cell("share", "{:.0f}", 100),
        "loop delay p99, ms": cell("delays.p99", "{:.2f}", 1000),
        "checks passed": _passed,
        "killed": killed,
    }
    keeps = "; ".join(f"{who} {min(each):.0%} to {max(each):.0%}" for who, each in shares.items())
    return (
        "A flooding client that finds no room gives up after 20 ms and begins anew. The worker's "
        "share: units of its work per second of its process's CPU time, beside those without "
        f"a flood. It keeps of it {keeps}.\n\n{table(rows, columns)}"
    )


def measure_abuse(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Let each kind of client connect so many times."""
    with _loaded(f"tcp_probe on {loop}") as worker:
        return {kind: _abuse(worker, kind, sizes["abuses"]) for kind in ABUSES}


def _abuse(worker: _Loaded, kind: str, count: int) -> Results:
    host, abuse = ABUSES[kind]
    before = resources(worker.server.pid)
    seen: Counter[str] = Counter()
    with ExitStack() as clients, ThreadPoolExecutor(1) as checker:
        checking = checker.submit(worker.check_for, count * _PAUSE + 1)
        for _ in range(count):
            try:
                client = socket.create_connection((host, worker.server.port), _PATIENCE)
                client.settimeout(1)
                abuse(clients.enter_context(client))
                if kind != HOLD:
                    client.close()
                seen["served"] += 1
            except OSError as error:
                seen[type(error).__name__] += 1
            time.sleep(_PAUSE)
        work = checking.result()
        after = resources(worker.server.pid)
    return {"connections": dict(seen), "before": before, "after": after, **work}


def report_abuse(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return the table."""

    def grown(row: Any, what: str, unit: int = 1) -> str:
        return f"{(row[1]['after'][what] - row[1]['before'][what]) // unit:+d}"

    def seen(row: Any) -> str:
        return ", ".join(f"{count} {what}" for what, count in row[1]["connections"].items())

    rows = [(f"{loop}: {kind}", each) for loop in found for kind, each in found[loop].items()]
    columns: Columns = {
        f"{sizes['abuses']} clients that": lambda row: row[0],
        "what they saw": seen,
        "resident KiB": lambda row: grown(row, "resident_bytes", 1024),
        "file descriptors": lambda row: grown(row, "file_descriptors"),
        "checks passed": _passed,
    }
    return table(rows, columns)

"""A worker that never rests, and its checks, while others flood its port or misuse it."""

from __future__ import annotations

import asyncio
import socket
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.busy import Progress, progress_in
from benchmarks.candidates import CANDIDATES
from benchmarks.checks import check, count_checks
from benchmarks.processes import SERVER_CORE, Server, found_by, module, resources, serving, worker
from benchmarks.run import Results

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
        seen, counts = self.delays.stat().st_size, Counter[str]()
        began, cpu, units = time.monotonic(), self.server.cpu_ns, self.progress.units
        checking = partial(check, self.server.told)
        asyncio.run(count_checks(checking, counts, began, began + seconds))
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        took, used = time.monotonic() - began, (self.server.cpu_ns - cpu) / 1e9
        units = self.progress.units - units
        delays = sorted(array("d", self.delays.read_bytes()[seen:]))
        return {
            "units_per_second": units / took,
            "units_per_cpu_second": units / used,
            "delays": {
                f"p{each}": delays[len(delays) * each // 100] for each in (50, 99) if delays
            },
            "checks": counts,
        }


@contextmanager
def _loaded(name: str) -> Iterator[_Loaded]:
    """Run a candidate, with the backlog of its defaults, on the servers' core."""
    folder = mkdtemp()
    file, delays = Path(folder, "progress"), Path(folder, "delays")
    progress = progress_in(file)
    progress.working = True
    delays.touch()
    command = worker(name, "busy", file, delays, backlog=0)
    with serving({name: command}, SERVER_CORE, quiet=True) as servers:
        yield _Loaded(servers[name], progress, delays)


def floods(name: str, sizes: Mapping[str, Any]) -> Results:
    """Measure a candidate without a flood, then with one from so many clients."""
    with _loaded(name) as loaded:
        found = {
            clients: _flood(loaded, clients, sizes["flood"])
            for clients in (0, *sizes["flood_clients"])
        }
    for flood in found.values():
        flood["share"] = flood["units_per_cpu_second"] / found[0]["units_per_cpu_second"]
    backlog = CANDIDATES[name].backlog
    return {f"{name} ({backlog}), {clients}": flood for clients, flood in found.items()}


def _flood(loaded: _Loaded, clients: int, seconds: float) -> Results:
    command = module("load.flood", loaded.server.port, clients, seconds + _LEAD)
    with ThreadPoolExecutor(1) as flooding:
        counting = flooding.submit(found_by, command)
        time.sleep(_LEAD)
        found = loaded.check_for(seconds)
        counts = counting.result()
    per_s = {what: count / (seconds + _LEAD) for what, count in counts.items()}
    return {**found, "clients": counts, "clients_per_s": per_s}


def abuse(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Let each kind of client connect so many times."""
    with _loaded(f"tcp_probe on {loop}") as loaded:
        return {f"{loop}: {kind}": _abuse(loaded, kind, sizes["abuses"]) for kind in ABUSES}


def _abuse(loaded: _Loaded, kind: str, count: int) -> Results:
    host, misuse = ABUSES[kind]
    parts = [resources(loaded.server.pid)]
    seen = Counter(served=0, reset=0, no_room=0)
    with ExitStack() as clients, ThreadPoolExecutor(1) as checker:
        checking = checker.submit(loaded.check_for, count * _PAUSE + 1)
        for _ in range(count):
            try:
                client = socket.create_connection((host, loaded.server.port), _PATIENCE)
                client.settimeout(1)
                misuse(clients.enter_context(client))
                if kind != HOLD:
                    client.close()
                seen["served"] += 1
            except TimeoutError:
                seen["no_room"] += 1
            except ConnectionError:
                seen["reset"] += 1
            time.sleep(_PAUSE)
        found = checking.result()
        parts.append(resources(loaded.server.pid))
    return {"connections": seen, "parts": parts, **found}

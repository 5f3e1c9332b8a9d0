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

from benchmarks.busy import done, units_in
from benchmarks.candidates import CANDIDATES
from benchmarks.checks import check, count_checks
from benchmarks.processes import SERVER_CORE, Server, found_by, resources, serving, worker
from benchmarks.run import Rows, growth

_LEAD = 1.0  # s that a flood begins before it is looked at, its start included
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
    units: memoryview
    delays: Path

    def check_for(self, seconds: float) -> tuple[float, dict[str, Any]]:
        """Check once in a second for so long.

        Returns the units of work that the worker did per s of its CPU time; and as a row of a table
        the delays of its loop, and how the checks went.
        """
        seen, counts = self.delays.stat().st_size, Counter[str](checks=0, failed=0, kills=0)

        def check_all_the_time() -> None:
            began = time.monotonic()
            checking = partial(check, self.server.told)
            asyncio.run(count_checks(checking, counts, began, began + seconds))
            time.sleep(max(0.0, began + seconds - time.monotonic()))

        rate, _ = done(self.server, self.units, check_all_the_time)
        delays = sorted(array("d", self.delays.read_bytes()[seen:]))
        late = delays[len(delays) * 99 // 100] * 1e3 if delays else None
        return rate, {"loop delay p99, ms": late, **counts}


@contextmanager
def _loaded(name: str) -> Iterator[_Loaded]:
    """Run a candidate, with the backlog of its defaults, on the servers' core."""
    folder = mkdtemp()
    file, delays = Path(folder, "units"), Path(folder, "delays")
    units = units_in(file)
    delays.touch()
    command = worker(name, "busy", file, delays, backlog=0)
    with serving({name: command}, SERVER_CORE, quiet=True) as servers:
        yield _Loaded(servers[name], units, delays)


def floods(name: str, sizes: Mapping[str, Any]) -> Rows:
    """Candidate (backlog), flooding clients; one that finds no room begins anew after 20 ms.

    The worker's share: units of its work per second of its process's CPU time, beside those without
    a flood.
    """
    found: Rows = {}
    alone = 0.0
    with _loaded(name) as loaded:
        for clients in (0, *sizes["flood_clients"]):
            flood = ("load.flood", loaded.server.port, clients, sizes["flood"] + _LEAD)
            with ThreadPoolExecutor(1) as flooding:
                counting = flooding.submit(found_by, worker("nothing on asyncio", *flood))
                time.sleep(_LEAD)
                rate, row = loaded.check_for(sizes["flood"])
                counts = counting.result()
            alone = alone or rate
            found[f"{name} ({CANDIDATES[name].backlog}), {clients}"] = {
                "connections/s": counts["connected"] / (sizes["flood"] + _LEAD),
                "given up/s": counts["given up"] / (sizes["flood"] + _LEAD),
                "worker's share of the CPU, %": rate / alone * 100,
                **row,
            }
    return found


def abuse(loop: str, sizes: Mapping[str, Any]) -> Rows:
    """{abuses} of each kind. Before them → after them."""
    with _loaded(f"tcp_probe on {loop}") as loaded:
        return {f"{loop}: {kind}": _abuse(loaded, kind, sizes["abuses"]) for kind in ABUSES}


def _abuse(loaded: _Loaded, kind: str, count: int) -> dict[str, Any]:
    host, misuse = ABUSES[kind]
    before = resources(loaded.server.pid)
    seen = {"served": 0, "reset": 0, "found no room": 0}
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
                seen["found no room"] += 1
            except ConnectionError:
                seen["reset"] += 1
            time.sleep(_PAUSE)
        _, row = checking.result()
        return {**seen, **growth(before, resources(loaded.server.pid)), **row}

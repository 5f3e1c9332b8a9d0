"""A worker that never rests, and its checks, while others flood its port or misuse it."""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import takewhile
from operator import methodcaller
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.busy import done, units_in
from benchmarks.candidates import CANDIDATES, Watch
from benchmarks.checks import check, count_checks
from benchmarks.processes import SERVER_CORE, Server, found_by, resources, serving, worker
from benchmarks.run import Rows

_LEAD = 1.0  # s that a flood begins before it is looked at, its start included
HOLD = "hold"  # and close with all others, at the end
_PAUSE = 0.002  # s between two connections
# A client that finds no room gives up: the kernel would knock again after a whole second only.
_PATIENCE = 0.05  # s
_FLOOD_PATIENCE = 0.02  # s
_SWEEP = 0.005  # s at most between two looks for connections that are too late

# Checks for so many s; returns what was done meanwhile, and how it went.
Checks = Callable[[float], tuple[float, dict[str, Any]]]


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


@contextmanager
def _loaded(name: str) -> Iterator[tuple[Server, Checks]]:
    """Run a candidate, with the backlog of its defaults, on the servers' core.

    Yields its process, and what checks it once in a second for so many s: that returns the units of
    work that the worker did meanwhile per s of its CPU time; and as a row of a table the delays of
    its loop, and how the checks went.
    """
    folder = mkdtemp()
    file, delays = Path(folder, "units"), Path(folder, "delays")
    units = units_in(file)
    delays.touch()
    command = worker(name, "busy", file, delays, backlog=0)
    with serving({name: command}, SERVER_CORE, quiet=True) as servers:
        checking = partial(check, servers[name].told)

        def check_for(seconds: float) -> tuple[float, dict[str, Any]]:
            seen, counts = delays.stat().st_size, Counter[str](checks=0, failed=0, kills=0)

            def check_all_the_time() -> None:
                began = time.monotonic()
                asyncio.run(count_checks(checking, counts, began, began + seconds))
                time.sleep(max(0.0, began + seconds - time.monotonic()))

            rate, _ = done(servers[name], units, check_all_the_time)
            late = sorted(array("d", delays.read_bytes()[seen:]))
            p99 = late[len(late) * 99 // 100] * 1e3 if late else None
            return rate, {"loop delay p99, ms": p99, **counts}

        yield servers[name], check_for


def floods(name: str, sizes: Mapping[str, Any]) -> Rows:
    """Measure a candidate without a flood, then with one from so many clients."""
    found: Rows = {}
    rates = []
    with _loaded(name) as (server, check_for):
        for clients in (0, *sizes["flood_clients"]):
            seconds = sizes["flood"] + _LEAD
            command = worker(
                "nothing on asyncio", "load.beside:flood", server.port, clients, seconds
            )
            with ThreadPoolExecutor(1) as flooding:
                counting = flooding.submit(found_by, command)
                time.sleep(_LEAD)
                rate, row = check_for(sizes["flood"])
                counts = counting.result()
            rates.append(rate)
            found[f"{name} ({CANDIDATES[name].backlog}), {clients}"] = {
                "connections/s": counts["connected"] / seconds,
                "given up/s": counts["given up"] / seconds,
                "worker's share of the CPU, %": rate / rates[0] * 100,
                **row,
            }
    return found


async def flood(_: Watch, port: str, clients: str, seconds: str) -> Counter[str]:
    """Connect and close, again and again, from so many clients at once: the worker.

    A client that finds the queue full does not wait for the second after which the kernel would
    knock again, as a well-behaved one does, but begins anew. Returns how many were connected and
    given up.
    """
    counts = Counter({"connected": 0, "given up": 0})
    ends = time.monotonic() + float(seconds)
    with selectors.DefaultSelector() as waiting:
        while (now := time.monotonic()) < ends:
            for __ in range(int(clients) - len(waiting.get_map())):
                client = socket.socket()
                client.settimeout(0)
                # To many addresses: one has too few ports for the rate.
                number = counts.total() + len(waiting.get_map())
                address = f"127.0.{number // 200 % 200}.{number % 200 + 1}"
                if client.connect_ex((address, int(port))) == 0:
                    client.close()
                    counts["connected"] += 1
                else:
                    waiting.register(client, selectors.EVENT_WRITE, now + _FLOOD_PATIENCE)
            idle = len(waiting.get_map()) < int(clients)
            ready = waiting.select(0 if idle else _SWEEP)
            late = takewhile(lambda key: key.data < time.monotonic(), waiting.get_map().values())
            over = {key.fileobj: "given up" for key in late}  # the oldest stand first
            over |= {key.fileobj: "connected" for key, _ in ready}
            for each, what in over.items():
                assert isinstance(each, socket.socket)
                waiting.unregister(each)
                failed = each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                counts["refused" if failed else what] += 1
                each.close()
    return counts


def abuse(loop: str, sizes: Mapping[str, Any]) -> Rows:
    """Let each kind of client connect so many times."""
    with _loaded(f"tcp_probe on {loop}") as loaded:
        return {f"{loop}: {kind}": _abuse(*loaded, kind, sizes["abuses"]) for kind in ABUSES}


def _abuse(server: Server, check_for: Checks, kind: str, count: int) -> dict[str, Any]:
    host, misuse = ABUSES[kind]
    held = resources(server.pid)
    seen = {"served": 0, "reset": 0, "found no room": 0}
    with ExitStack() as clients, ThreadPoolExecutor(1) as checker:
        checking = checker.submit(check_for, count * _PAUSE + 1)
        for _ in range(count):
            try:
                client = socket.create_connection((host, server.port), _PATIENCE)
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
        return {**seen, **resources(server.pid, held), **row}

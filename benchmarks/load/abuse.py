"""Clients that misbehave, while kubelet checks and the worker works."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from benchmarks.load.loaded import Loaded, loaded, passed
from benchmarks.processes import resources
from benchmarks.run import Columns, Results, table

_PAUSE = 0.002  # s between two connections
# A client that finds no room gives up: the kernel would knock again after a whole second only.
_PATIENCE = 0.05  # s


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def _send_garbage(client: socket.socket) -> None:
    client.sendall(bytes(range(256)) * 256)
    client.close()


def _ask_by_http(client: socket.socket) -> None:
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.recv(1000)
    client.close()


ABUSES: dict[str, tuple[str, Callable[[socket.socket], object]]] = {
    "hold": ("127.0.0.1", socket.socket.fileno),  # and close with all others, at the end
    "reset": ("127.0.0.1", _reset),
    "send garbage": ("127.0.0.1", _send_garbage),
    "send an HTTP request": ("127.0.0.1", _ask_by_http),
    "check from IPv6": ("::1", socket.socket.close),
}


def measure(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Let each kind of client connect so many times."""
    with loaded(f"tcp_probe on {loop}") as worker:
        return {kind: _abuse(worker, kind, sizes["abuses"]) for kind in ABUSES}


def _abuse(worker: Loaded, kind: str, count: int) -> Results:
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
                seen["served"] += 1
            except OSError as error:
                seen[type(error).__name__] += 1
            time.sleep(_PAUSE)
        work = checking.result()
        after = resources(worker.server.pid)
    return {"connections": dict(seen), "before": before, "after": after, **work}


def report(found: Results, sizes: Mapping[str, Any]) -> str:
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
        "checks passed": passed,
    }
    return table(rows, columns)

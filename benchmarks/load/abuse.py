"""Clients that misbehave, while kubelet checks and the worker works."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from benchmarks.accounting import resident_bytes
from benchmarks.load.loaded import Loaded, loaded
from benchmarks.load.sizes import Sizes
from benchmarks.markdown import table

TITLE = "(c) Clients that misbehave"
_PAUSE = 0.002  # s between two connections
_NO_LINGER = b"\1\0\0\0\0\0\0\0"
_GARBAGE = bytes(range(256)) * 256

Abuse = Callable[[socket.socket], None]


def hold(_: socket.socket) -> None:
    """Keep the connection open."""


def reset(client: socket.socket) -> None:
    """Close with RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    client.close()


def send_garbage(client: socket.socket) -> None:
    """Send 64 KiB of nonsense."""
    client.sendall(_GARBAGE)
    client.close()


def ask_by_http(client: socket.socket) -> None:
    """Send an HTTP request and wait for the answer."""
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.recv(1000)
    client.close()


def check(client: socket.socket) -> None:
    """Close at once."""
    client.close()


ABUSES: dict[str, tuple[str, Abuse]] = {
    "hold": ("127.0.0.1", hold),
    "reset": ("127.0.0.1", reset),
    "send garbage": ("127.0.0.1", send_garbage),
    "send an HTTP request": ("127.0.0.1", ask_by_http),
    "check from IPv6": ("::1", check),
}


def measure(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Let each kind of client connect so many times."""
    found: dict[str, Any] = {}
    for loop in sizes.loops:
        with loaded(f"tcp_probe on {loop}", folder) as server:
            found[loop] = {kind: _abuse(server, kind, sizes.abuses) for kind in ABUSES}
    return found


def _abuse(server: Loaded, kind: str, count: int) -> dict[str, Any]:
    host, abuse = ABUSES[kind]
    process = psutil.Process(server.pid)
    before = _resources(process)
    seen: Counter[str] = Counter()
    with ExitStack() as clients, ThreadPoolExecutor(1) as checker:
        checking = checker.submit(server.check_for, count * _PAUSE + 1)
        for _ in range(count):
            try:
                client = clients.enter_context(socket.create_connection((host, server.port), 1))
                abuse(client)
                seen["served"] += 1
            except OSError as error:
                seen[type(error).__name__] += 1
            time.sleep(_PAUSE)
        work, checked = checking.result()
        after = _resources(process)
    return {
        "connections": dict(seen),
        "before": before,
        "after": after,
        "work": asdict(work),
        "checks": asdict(checked),
    }


def _resources(process: psutil.Process) -> dict[str, int]:
    return {
        "resident_bytes": resident_bytes(process.pid),
        "file_descriptors": process.num_fds(),
        "threads": process.num_threads(),
    }


def report(found: dict[str, Any], sizes: Sizes) -> list[str]:
    """Return the table."""
    rows = []
    for loop, kinds in found.items():
        for kind, each in kinds.items():
            checks = each["checks"]
            before, after = each["before"], each["after"]
            seen = ", ".join(f"{count} {what}" for what, count in each["connections"].items())
            rows.append(
                [
                    f"{loop}: {kind}",
                    seen,
                    f"{(after['resident_bytes'] - before['resident_bytes']) // 1024:+d}",
                    f"{after['file_descriptors'] - before['file_descriptors']:+d}",
                    f"{checks['passed']} of {checks['passed'] + checks['failed']}",
                ]
            )
    head = [f"{sizes.abuses} clients that", "what they saw", "resident KiB"]
    return [table([*head, "file descriptors", "checks passed"], rows)]

"""The client side of a benchmark: makes checks as kubelet does, and times them."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import ExitStack
from functools import partial

from benchmarks.processes import CLIENT_CORE, SERVER_CORE, Server

_REQUEST = (
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kube-probe/1.36\r\n"
    b"Accept: */*\r\nConnection: close\r\n\r\n"
)
_LINGER = struct.pack("ii", 1, 1)  # on, 1 s: as kubelet
_LIMIT = struct.pack("ll", 20, 0)  # s, µs; and not settimeout(), by which each call is three


def check(
    server: Server, count: int, *, to_the_end: bool = False, level: int = 1, period: float = 0.0
) -> tuple[list[float], list[float]]:
    """Make `count` checks, `level` of them at once, these every `period` seconds.

    Returns how many µs after the first of those at once had begun each was connected, and how many
    after that it ended. `to_the_end`: that is when the server closes it, as one by HTTP always
    does.
    """
    connects, wholes = [], []
    by_http = server.kind == "http"
    address = ("127.0.0.1", server.port)
    due = time.perf_counter()
    for _ in range(0, count, level):
        with ExitStack() as opened:
            clients = [opened.enter_context(_client()) for _ in range(level)]
            began = time.perf_counter()
            for client in clients:
                client.connect(address)
                connects.append((time.perf_counter() - began) * 1e6)
                if by_http:
                    client.sendall(_REQUEST)
            for client in clients:
                if by_http or to_the_end:
                    _read_to_the_end(client, by_http=by_http)
                wholes.append((time.perf_counter() - began) * 1e6)
                client.close()
        due += period
        while (left := due - time.perf_counter()) > 0:
            if SERVER_CORE == CLIENT_CORE:  # else it stays awake
                time.sleep(left)
    return connects, wholes


def _client() -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _LIMIT)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _LIMIT)
    return client


def _read_to_the_end(client: socket.socket, *, by_http: bool) -> None:
    begin = b"".join(iter(partial(client.recv, 4096), b""))[:12]
    expected = b"HTTP/1.1 200" if by_http else b""
    if begin != expected:
        raise RuntimeError(f"expected {expected!r}, got {begin!r}")

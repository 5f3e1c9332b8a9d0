"""The client side of a benchmark: makes checks as kubelet does, and times them."""

from __future__ import annotations

import socket
import time

from benchmarks.processes import CLIENT_CORE, SERVER_CORE, Server

_REQUEST = (
    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kube-probe/1.36\r\n"
    b"Accept: */*\r\nConnection: close\r\n\r\n"
)
_LINGER = b"\1\0\0\0\1\0\0\0"  # on, 1 s: as kubelet
_LIMIT = 20.0  # s

# How long each check took, in µs: to connect, and to the end of the answer.
Times = tuple[list[float], list[float]]


def check(  # noqa: PLR0913 (each is another trait of the checks)
    server: Server,
    count: int,
    *,
    to_the_end: bool = False,
    level: int = 1,
    period: float = 0.0,
    spin: bool = False,
) -> tuple[float, Times]:
    """Make `count` checks; return the server's µs of CPU for each, and their times.

    `level` of them are made at once: all are connected before one is read; and these every `period`
    seconds. `to_the_end`: each lasts until the server closes it, as one by HTTP always does.
    `spin`: stay awake in between, if the client has a core to itself.
    """
    connects, wholes = [], []
    by_http, sleeps = server.kind == "http", not spin or SERVER_CORE == CLIENT_CORE
    address, cpu = ("127.0.0.1", server.port), server.cpu_ns
    due = time.perf_counter()
    for _ in range(0, count, level):
        clients = [_client() for _ in range(level)]
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
            if sleeps:
                time.sleep(left)
    return (server.cpu_ns - cpu) / count / 1000, (connects, wholes)


def _client() -> socket.socket:
    client = socket.socket()
    client.settimeout(_LIMIT)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    return client


def _read_to_the_end(client: socket.socket, *, by_http: bool) -> None:
    answer = b"".join(iter(lambda: client.recv(4096), b""))
    if by_http and not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"expected HTTP/1.1 200, got {answer[:12]!r}")

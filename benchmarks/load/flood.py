"""A worker that floods a port with connections.

Each client connects and closes, again and again. One that finds the queue full does not wait for
the second after which the kernel would knock again, as a well-behaved one does, but begins anew.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter

from benchmarks.candidates import Watch

_PATIENCE = 0.02  # s
_SWEEP = 0.005  # s between two looks for connections that are too late


def _flood(port: int, clients: int, seconds: float) -> Counter[str]:
    counts = Counter({"connected": 0, "given up": 0})
    swept = time.monotonic()
    ends = swept + seconds
    with selectors.DefaultSelector() as waiting:
        while (now := time.monotonic()) < ends:
            for _ in range(clients - len(waiting.get_map())):
                client = socket.socket()
                client.settimeout(0)
                # To many addresses: one has too few ports for the rate.
                number = counts.total() + len(waiting.get_map())
                address = f"127.0.{number // 200 % 200}.{number % 200 + 1}"
                if client.connect_ex((address, port)) == 0:
                    client.close()
                    counts["connected"] += 1
                else:
                    waiting.register(client, selectors.EVENT_WRITE, now + _PATIENCE)
            idle = len(waiting.get_map()) < clients
            over = {key.fileobj: "connected" for key, _ in waiting.select(0 if idle else _SWEEP)}
            if now > swept + _SWEEP:
                swept = now
                late = [key.fileobj for key in waiting.get_map().values() if key.data < now]
                over = {**dict.fromkeys(late, "given up"), **over}
            for each, what in over.items():
                assert isinstance(each, socket.socket)
                waiting.unregister(each)
                failed = each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                counts["refused" if failed else what] += 1
                each.close()
    return counts


async def work(_: Watch, port: str, clients: str, seconds: str) -> Counter[str]:
    """Connect; return how many were connected and given up."""
    return _flood(int(port), int(clients), float(seconds))

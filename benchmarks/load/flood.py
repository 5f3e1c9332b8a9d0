"""Clients that connect and close, each again and again: `... PORT CLIENTS SECONDS`.

A client that finds the queue full does not wait for the second after which the kernel would knock
again, as a well-behaved one does, but begins anew. Prints, as JSON, how many connections were made
and how many were given up.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter

PATIENCE = 0.02  # s
_SWEEP = 0.005  # s between two looks for connections that are too late


def flood(port: int, clients: int, seconds: float) -> Counter[str]:
    """Connect for so long."""
    counts: Counter[str] = Counter()
    idle = clients
    ends = time.monotonic() + seconds
    swept = time.monotonic()
    with selectors.DefaultSelector() as waiting:
        while (now := time.monotonic()) < ends:
            while idle:
                idle -= 1
                client = socket.socket()
                client.settimeout(0)
                # To many addresses: one has too few ports for the rate.
                number = sum(counts.values()) + idle
                address = f"127.0.{number // 200 % 200}.{number % 200 + 1}"
                if client.connect_ex((address, port)) == 0:
                    client.close()
                    counts["connected"] += 1
                else:
                    waiting.register(client, selectors.EVENT_WRITE, now + PATIENCE)
            idle = clients - len(waiting.get_map())
            if not waiting.get_map():
                continue
            done = [key.fileobj for key, _ in waiting.select(0 if idle else _SWEEP)]
            for each in done:
                assert isinstance(each, socket.socket)
                failed = each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                counts["refused" if failed else "connected"] += 1
            late = []
            if now > swept + _SWEEP:
                swept = now
                late = [key.fileobj for key in waiting.get_map().values() if key.data < now]
                late = [each for each in late if each not in done]
                counts["given up"] += len(late)
            for each in [*done, *late]:
                assert isinstance(each, socket.socket)
                waiting.unregister(each)
                each.close()
            idle = clients - len(waiting.get_map())
    return counts


if __name__ == "__main__":
    print(json.dumps(flood(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))

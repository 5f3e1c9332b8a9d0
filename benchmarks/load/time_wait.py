"""Which side of a check's connection the kernel keeps in TIME_WAIT, and how many."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import tcp_probe
from benchmarks.load.cores import SERVER_CORE
from benchmarks.load.sizes import Sizes
from benchmarks.machine import pin
from benchmarks.markdown import table
from benchmarks.processes import candidate_command, serving

TITLE = "(f) TIME_WAIT"
_TIME_WAIT = "06"
_PERIOD = 0.001  # s
# On loopback the kernel uses a port again after a second in TIME_WAIT, unless the address differs.
_ADDRESSES = 50


def measure(sizes: Sizes, _: Path) -> dict[str, Any]:
    """Make so many checks, one each ms, and count at once: the kernel keeps them for 60 s."""
    found: dict[str, Any] = {}
    for loop in sizes.loops:
        name = f"tcp_probe on {loop}"
        with serving({name: candidate_command(name)}) as servers:
            server = servers[name]
            pin(server.pid, SERVER_CORE)
            next_time = time.monotonic()
            for number in range(sizes.time_wait_checks):
                tcp_probe.check(server.port, f"127.0.0.{number % _ADDRESSES + 1}")
                next_time += _PERIOD
                time.sleep(max(0.0, next_time - time.monotonic()))
            found[loop] = _count(server.port)
    return found


def _count(port: int) -> dict[str, int]:
    server = client = 0
    for table_of in ("tcp", "tcp6"):
        file = Path("/proc/net", table_of)
        for line in file.read_text(encoding="ascii").splitlines()[1:] if file.exists() else ():
            local, remote, state = line.split()[1:4]
            if state == _TIME_WAIT:
                server += _port(local) == port
                client += _port(remote) == port
    return {"server": server, "client": client}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def report(found: dict[str, Any], sizes: Sizes) -> list[str]:
    """Return the table."""
    rows = [[loop, str(each["server"]), str(each["client"])] for loop, each in found.items()]
    head = [f"{sizes.time_wait_checks} checks, 1000/s", "on the worker's side", "on the client's"]
    return [table(head, rows)]

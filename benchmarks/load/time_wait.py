"""Which side of a check's connection the kernel keeps in TIME_WAIT, and how many."""

from __future__ import annotations

import time
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import psutil

import tcp_probe
from benchmarks.processes import SERVER_CORE, serving, worker
from benchmarks.run import Columns, Results, cell, table

_PERIOD = 0.001  # s
# On loopback the kernel uses a port again after a second in TIME_WAIT, unless the address differs.
_ADDRESSES = 50


def measure(sizes: Mapping[str, Any], _: Path) -> Results:
    """Make so many checks, one each ms, and count at once: the kernel keeps them for 60 s."""
    found: Results = {}
    for loop in sizes["loops"]:
        with serving({loop: worker(f"tcp_probe on {loop}")}, SERVER_CORE) as servers:
            port = servers[loop].port
            next_time = time.monotonic()
            for number in range(sizes["time_wait_checks"]):
                tcp_probe.check(port, f"127.0.0.{number % _ADDRESSES + 1}")
                next_time += _PERIOD
                time.sleep(max(0.0, next_time - time.monotonic()))
            waiting = [
                (each.laddr[1], each.raddr[1])
                for each in psutil.net_connections("tcp")
                if each.status == psutil.CONN_TIME_WAIT and each.laddr and each.raddr
            ]
            server, client = (sum(pair[side] == port for pair in waiting) for side in (0, 1))
            found[loop] = {"server": server, "client": client}
    return found


def report(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    columns: Columns = {
        f"{sizes['time_wait_checks']} checks, 1000/s": itemgetter(0),
        "on the worker's side": cell("server", "{:.0f}"),
        "on the client's": cell("client", "{:.0f}"),
    }
    return table(found.items(), columns)

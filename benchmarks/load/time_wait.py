"""Which side of a check's connection the kernel keeps in TIME_WAIT, and how many."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

import tcp_probe
from benchmarks.processes import candidate_command, serving
from benchmarks.run import SERVER_CORE, table

TITLE = "(f) TIME_WAIT"
_PERIOD = 0.001  # s
# On loopback the kernel uses a port again after a second in TIME_WAIT, unless the address differs.
_ADDRESSES = 50


def measure(sizes: Mapping[str, Any], _: Path) -> dict[str, Any]:
    """Make so many checks, one each ms, and count at once: the kernel keeps them for 60 s."""
    found: dict[str, Any] = {}
    for loop in sizes["loops"]:
        with serving({loop: candidate_command(f"tcp_probe on {loop}")}, SERVER_CORE) as servers:
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
            found[loop] = {
                "server": sum(here == port for here, _ in waiting),
                "client": sum(there == port for _, there in waiting),
            }
    return found


def report(found: dict[str, Any], sizes: Mapping[str, Any]) -> str:
    """Return the table."""
    return table(
        found.items(),
        {
            f"{sizes['time_wait_checks']} checks, 1000/s": lambda row: row[0],
            "on the worker's side": lambda row: row[1]["server"],
            "on the client's": lambda row: row[1]["client"],
        },
    )

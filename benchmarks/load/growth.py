"""What stays behind: of checks back to back, of connections in TIME_WAIT, of entries of `serve`."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import psutil

import tcp_probe
from benchmarks import client
from benchmarks.candidates import Watch
from benchmarks.processes import CLIENT_CORE, SERVER_CORE, found_by, resources, serving, worker
from benchmarks.run import Columns, Results, cell, table

_PARTS = 10
_PERIOD = 0.001  # s, of the checks whose TIME_WAIT is looked for
# On loopback the kernel uses a port again after a second in TIME_WAIT, unless the address differs.
_ADDRESSES = 50


def measure_checks(loop: str, sizes: Mapping[str, Any]) -> list[Results]:
    """Make so many checks, each after the server has closed the last one; look ten times."""
    found = []
    # To wake another core for every check would take longer than the check itself.
    with serving({loop: worker(f"tcp_probe on {loop}")}, CLIENT_CORE) as servers:
        for _ in range(_PARTS):
            began = time.monotonic()
            client.times(client.start(servers[loop], sizes["checks"] // _PARTS, to_the_end=True))
            took = time.monotonic() - began
            found.append({"took_s": took, **resources(servers[loop].pid)})
    return found


def report_checks(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the checks."""
    rows = {
        loop: {"first": parts[0], "last": parts[-1], "s": sum(part["took_s"] for part in parts)}
        for loop, parts in found.items()
    }
    rate = {"checks/s": lambda row: f"{sizes['checks'] / row[1]['s']:.0f}"}
    return _growth("checks", sizes, rows, rate)


def measure_time_wait(loop: str, sizes: Mapping[str, Any]) -> Results:
    """Make so many checks, one each ms, and count at once: the kernel keeps them for 60 s."""
    with serving({loop: worker(f"tcp_probe on {loop}")}, SERVER_CORE) as servers:
        port, began = servers[loop].port, time.monotonic()
        for number in range(sizes["time_wait_checks"]):
            time.sleep(max(0.0, began + number * _PERIOD - time.monotonic()))
            tcp_probe.check(port, f"127.0.0.{number % _ADDRESSES + 1}")
        found = psutil.net_connections("tcp")
    kept = [each for each in found if each.status == psutil.CONN_TIME_WAIT]
    return {
        "server": sum(each.laddr[1:2] == (port,) for each in kept),
        "client": sum(each.raddr[1:2] == (port,) for each in kept),
    }


def report_time_wait(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return which side of a check's connection the kernel keeps, and how many."""
    columns: Columns = {
        f"{sizes['time_wait_checks']} checks, 1000/s": itemgetter(0),
        "on the worker's side": cell("server", "{:.0f}"),
        "on the client's": cell("client", "{:.0f}"),
    }
    return table(found.items(), columns)


def measure_entries(loop: str, sizes: Mapping[str, Any]) -> Any:
    """Enter and leave so many times, in a process of its own."""
    return found_by(worker(f"nothing on {loop}", "load.growth", sizes["entries"]))


def report_entries(found: Results, sizes: Mapping[str, Any]) -> str:
    """Return what has grown since the first tenth of the entries."""
    return _growth("entries", sizes, found, {"each, µs": cell("each_s", "{:.0f}", 1e6)})


async def work(_: Watch, entries: str) -> None:
    """Enter and leave, and print the figures as JSON: the worker."""
    count = int(entries)
    first = await _enter(count // _PARTS)
    began = time.perf_counter()
    last = await _enter(count - count // _PARTS)
    each = (time.perf_counter() - began) / (count - count // _PARTS)
    print(json.dumps({"each_s": each, "first": first, "last": last}))


async def _enter(count: int) -> dict[str, int]:
    for _ in range(count):
        async with tcp_probe.serve(0):
            pass
    for thread in threading.enumerate():
        if thread.name == "tcp_probe":
            thread.join()
    return resources(os.getpid())


def _growth(what: str, sizes: Mapping[str, Any], found: Results, own: Columns) -> str:
    def column(figure: str, scale: float = 1) -> Any:
        first, last = (cell(f"{at}.{figure}", "{:g}", scale) for at in ("first", "last"))
        return lambda row: f"{first(row)} → {last(row)}"

    columns: Columns = {
        "loop": itemgetter(0),
        what: lambda _: sizes[what],
        **own,
        "resident KiB": column("resident_bytes", 1 / 1024),
        "file descriptors": column("file_descriptors"),
        "threads": column("threads"),
    }
    return f"After a tenth of the {what} → after all of them.\n\n{table(found.items(), columns)}"

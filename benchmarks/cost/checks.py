"""What a check costs the server, and how long it takes, at every pace."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.candidates import BARE, ON_ASYNCIO, PEERS
from benchmarks.client import times
from benchmarks.cost.bench import FLOOR, Bench, Figures, check_of, to_the_end
from benchmarks.cost.spread import percentiles, ratios, spread
from benchmarks.processes import CLIENT_CORE, SERVER_CORE

_OTHERS = [each.name for each in (ON_ASYNCIO, BARE, *PEERS)]


def measure_checks(bench: Bench) -> Figures:
    """Make checks as kubelet makes them, 1000/s."""
    checks = bench.sizes["checks"]
    pace = {"period": 0.001, "spin": SERVER_CORE != CLIENT_CORE}
    cpu: dict[str, list[float]] = defaultdict(list)
    connect: dict[str, list[float]] = defaultdict(list)
    whole: dict[str, list[float]] = defaultdict(list)
    for name in bench.turns(bench.sizes["rounds"]):
        kind = check_of(name)
        took, (connects, wholes) = bench.check(kind, bench.servers[name], checks, **pace)
        cpu[name].append(took)
        connect[name] += [each / 1000 for each in connects]
        if kind == "http":
            whole[name] += [each / 1000 for each in wholes]
    for name in bench.turns(bench.sizes["eof_rounds"]):
        if check_of(name) == "tcp":
            _, (_, wholes) = bench.check("eof", bench.servers[name], checks, **pace)
            whole[name] += [each / 1000 for each in wholes]
    return {
        name: {
            "connect_us": percentiles(connect[name]),
            "whole_us": percentiles(whole[name]),
            "server_cpu_us": spread(cpu[name]),
            "ratio_to_floor": ratios(cpu[name], cpu[FLOOR]),
            "ratio_of": {other: ratios(cpu[name], cpu[other])["median"] for other in _OTHERS},
        }
        for name in bench.servers
    }


def measure_levels(bench: Bench) -> Figures:
    """1 to 256 checks at once."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for level in bench.sizes["levels"]:
        count = level * max(1, bench.sizes["level_checks"] // level)
        for name in bench.turns(bench.sizes["level_rounds"]):
            server = bench.servers[name]
            took, _ = bench.check(to_the_end(name), server, count, level=level)
            found[name][str(level)].append(took)
    return _spreads("cpu_us_at_once", found)


def measure_rates(bench: Bench) -> Figures:
    """1 to 100 checks/s, without what an idle server takes anyway.

    Below 100 checks/s all candidates are checked at the same time, each by a client of its own, as
    the pods of a node are.
    """
    idle = bench.idle.cpu_per_second(bench.sizes["idle"])
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rate, checks in bench.sizes["rates"]:
        names = list(bench.servers)
        for group in ([names] if rate < 100 else [[name] for name in names]) * (
            bench.sizes["slow_rounds"]
        ):
            servers = {name: bench.servers[name] for name in group}
            before = {name: server.cpu_ns for name, server in servers.items()}
            clients = [
                bench.client.start(check_of(name), server.port, checks, period=1 / rate)
                for name, server in servers.items()
            ]
            for client in clients:
                times(client)
            for name, server in servers.items():
                cpu = (server.cpu_ns - before[name]) / checks / 1000
                found[name][str(rate)].append(cpu - idle.get(name, 0.0) * 1e6 / rate)
    figures = _spreads("cpu_us_at_rate", found)
    for name, cpu in idle.items():
        figures[name]["idle_cpu_s_per_hour"] = cpu * 3600
    return figures


def measure_kept(bench: Bench) -> Figures:
    """Bytes of resident memory that stay for each check, once all is warm."""
    count = bench.sizes["kept_checks"]
    found = {}
    for name, server in bench.servers.items():
        bench.check(to_the_end(name), server, count)
        before = server.resident_bytes
        bench.check(to_the_end(name), server, 2 * count)
        found[name] = {"kept_bytes": (server.resident_bytes - before) / (2 * count)}
    return found


def _spreads(figure: str, found: dict[str, dict[str, list[float]]]) -> Figures:
    spreads: Any = {
        name: {figure: {at: spread(values) for at, values in paces.items()}}
        for name, paces in found.items()
    }
    return defaultdict(dict, spreads)

"""What a check costs the server, and how long it takes, at every pace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from benchmarks.candidates import BARE, LISTENERS, PEERS
from benchmarks.client import times
from benchmarks.cost.bench import FLOOR, Bench, check_of, to_the_end
from benchmarks.cost.spread import Spread, percentiles, ratios, spread
from benchmarks.run import CLIENT_CORE, SERVER_CORE

Figures = dict[str, dict[str, Any]]  # by candidate, then by figure
_SPIN = SERVER_CORE != CLIENT_CORE


def measure_checks(bench: Bench) -> Figures:
    """Measure checks as kubelet makes them, 1000 a second: times, CPU, and CPU beside others."""
    checks = bench.sizes["checks"]
    cpu: dict[str, list[float]] = defaultdict(list)
    connect: dict[str, list[float]] = defaultdict(list)
    whole: dict[str, list[float]] = defaultdict(list)
    for name, server in bench.interleaved(bench.sizes["rounds"]):
        before = server.cpu_ns
        took = bench.client.one_by_one(check_of(name), server.port, checks, 0.001, spin=_SPIN)
        cpu[name].append((server.cpu_ns - before) / checks / 1000)
        connect[name] += [each / 1000 for each in took.connect]
        if check_of(name) == "http":
            whole[name] += [each / 1000 for each in took.whole]
    for name, server in bench.interleaved(bench.sizes["eof_rounds"]):
        if check_of(name) == "tcp":
            took = bench.client.one_by_one("eof", server.port, checks, 0.001, spin=_SPIN)
            whole[name] += [each / 1000 for each in took.whole]
    others = [LISTENERS[0].name, BARE.name, *[peer.name for peer in PEERS]]
    return {
        name: {
            "connect_us": percentiles(connect[name]),
            "whole_us": percentiles(whole[name]),
            "server_cpu_us": spread(cpu[name]),
            "ratio_to_floor": ratios(cpu[name], cpu[FLOOR]),
            "ratio_of": {other: ratios(cpu[name], cpu[other])["median"] for other in others},
        }
        for name in bench.servers
    }


def measure_rates(bench: Bench, idle_cpu: Mapping[str, float]) -> dict[str, dict[str, Spread]]:
    """Measure the CPU per check in µs at each rate, without what an idle server takes anyway.

    `idle_cpu`: that, in s per s. Below 100 checks/s all candidates are checked at the same time,
    each by a client of its own, as the pods of a node are.
    """
    found: dict[str, dict[str, Spread]] = {name: {} for name in bench.servers}
    for rate, checks in bench.sizes["rates"]:
        rounds: dict[str, list[float]] = defaultdict(list)
        names = list(bench.servers)
        for _ in range(bench.sizes["slow_rounds"]):
            for group in [names] if rate < 100 else [[name] for name in names]:
                before = {name: bench.servers[name].cpu_ns for name in group}
                clients = [
                    bench.client.start(check_of(name), bench.servers[name].port, checks, 1 / rate)
                    for name in group
                ]
                for client in clients:
                    times(client)
                for name in group:
                    cpu = (bench.servers[name].cpu_ns - before[name]) / checks / 1000
                    rounds[name].append(cpu - idle_cpu.get(name, 0.0) * 1e6 / rate)
        for name, values in rounds.items():
            found[name][str(rate)] = spread(values)
    return found


def measure_levels(bench: Bench) -> dict[str, dict[str, Spread]]:
    """Measure the CPU per check in µs with 1 to 256 checks at once."""
    found: dict[str, dict[str, Spread]] = {name: {} for name in bench.servers}
    for level in bench.sizes["levels"]:
        rounds: dict[str, list[float]] = defaultdict(list)
        batches = max(1, bench.sizes["level_checks"] // level)
        for name, server in bench.interleaved(bench.sizes["level_rounds"]):
            before = server.cpu_ns
            bench.client.at_once(to_the_end(name), server.port, level, batches)
            rounds[name].append((server.cpu_ns - before) / (level * batches) / 1000)
        for name, values in rounds.items():
            found[name][str(level)] = spread(values)
    return found


def measure_kept(bench: Bench) -> dict[str, float]:
    """Measure the bytes of resident memory that stay for each check, once all is warm."""
    count = bench.sizes["kept_checks"]
    found = {}
    for name, server in bench.servers.items():
        kind = to_the_end(name)
        bench.client.one_by_one(kind, server.port, count)
        before = server.resident_bytes
        bench.client.one_by_one(kind, server.port, 2 * count)
        found[name] = (server.resident_bytes - before) / (2 * count)
    return found

"""What every part of the run works with."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.candidates import CANDIDATES
from benchmarks.client import Client, Times, times
from benchmarks.processes import Server

FLOOR = "C floor"

Figures = dict[str, dict[str, Any]]  # by candidate, then by figure


@dataclass(frozen=True)
class Bench:
    """How much to measure, the client, a running server for each candidate, and idle ones."""

    sizes: Mapping[str, Any]
    folder: Path
    client: Client
    servers: Mapping[str, Server]
    idle: Idle

    def turns(self, rounds: int) -> Iterator[str]:
        """Yield every candidate once a round, in a new order each round."""
        for _ in range(rounds):
            yield from random.sample(list(self.servers), len(self.servers))

    def check(self, kind: str, server: Server, count: int, **how: Any) -> tuple[float, Times]:
        """Make checks as `Client.start` does; return the server's µs of CPU for each, and times."""
        before = server.cpu_ns
        took = times(self.client.start(kind, server.port, count, **how))
        return (server.cpu_ns - before) / count / 1000, took


@dataclass(frozen=True)
class Idle:
    """Servers that nobody checks, watched from the start, beside whatever else runs."""

    servers: Mapping[str, Server]
    began: float = field(default_factory=time.monotonic)
    before: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before.update({name: server.cpu_ns for name, server in self.servers.items()})

    def cpu_per_second(self, least: float) -> dict[str, float]:
        """Return the s of CPU that each has taken per s, in `least` seconds or more."""
        time.sleep(max(0.0, self.began + least - time.monotonic()))
        elapsed = time.monotonic() - self.began
        return {
            name: (server.cpu_ns - self.before[name]) / 1e9 / elapsed
            for name, server in self.servers.items()
        }


def check_of(name: str) -> str:
    """Return which check suits a candidate: tcp or http."""
    return "tcp" if name == FLOOR else CANDIDATES[name].check


def to_the_end(name: str) -> str:
    """Return the check that lasts until the candidate closes the connection."""
    return "http" if check_of(name) == "http" else "eof"

"""What every part of the run works with."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.candidates import CANDIDATES
from benchmarks.client import Client
from benchmarks.cost.sizes import Sizes
from benchmarks.processes import Server

FLOOR = "C floor"


@dataclass(frozen=True)
class Bench:
    """The client, the cores, how much to measure, and one running server for each candidate."""

    sizes: Sizes
    client: Client
    server_core: int
    client_core: int
    servers: Mapping[str, Server]

    @property
    def separate(self) -> bool:
        """Whether server and client have a core each."""
        return self.server_core != self.client_core

    def interleaved(self, rounds: int) -> Iterator[tuple[str, Server]]:
        """Yield every server once a round, in a new order each round."""
        for _ in range(rounds):
            turns = list(self.servers.items())
            random.shuffle(turns)
            yield from turns


def check_of(name: str) -> str:
    """Return which check suits a candidate: tcp or http."""
    return "tcp" if name == FLOOR else CANDIDATES[name].check


def to_the_end(name: str) -> str:
    """Return the check that lasts until the candidate closes the connection."""
    return "http" if check_of(name) == "http" else "eof"

"""What every part of the run works with."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.candidates import CANDIDATES
from benchmarks.client import Client
from benchmarks.processes import Server

FLOOR = "C floor"


@dataclass(frozen=True)
class Bench:
    """How much to measure, the client, and one running server for each candidate."""

    sizes: Mapping[str, Any]
    client: Client
    servers: Mapping[str, Server]

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

"""How much each part of the run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts and times; in each round every candidate has its turn, in a new order."""

    rounds: int = 40
    checks: int = 150  # one round's, at 1000 checks/s
    eof_rounds: int = 20
    slow_rounds: int = 3
    rates: tuple[tuple[int, int], ...] = (
        (1, 12),
        (10, 60),
        (100, 60),
    )  # checks/s: a round's checks
    levels: tuple[int, ...] = (1, 4, 16, 64, 256)
    level_rounds: int = 8
    level_checks: int = 256  # of one round, at each level
    kept_checks: int = 2500
    starts: int = 5
    imports: int = 7
    command_rounds: int = 100
    worker_rounds: int = 10
    worker_checks: int = 800
    claude_starts: int = 3
    idle: float = 120.0  # s, at least


FULL = Sizes()
QUICK = Sizes(
    rounds=2,
    checks=10,
    eof_rounds=2,
    slow_rounds=1,
    rates=((1, 1), (10, 3), (100, 4)),
    levels=(1, 4, 256),
    level_rounds=1,
    level_checks=8,
    kept_checks=20,
    starts=1,
    imports=1,
    command_rounds=2,
    worker_rounds=2,
    worker_checks=20,
    claude_starts=1,
    idle=1.0,
)

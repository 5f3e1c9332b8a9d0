"""How much each part of the run does."""

from __future__ import annotations

from dataclasses import dataclass

LOOPS = ("asyncio", "uvloop", "trio")


@dataclass(frozen=True)
class Sizes:
    """Counts, and times in seconds."""

    loops: tuple[str, ...] = LOOPS
    checks: int = 1_000_000
    flooded: tuple[str, ...] | None = None  # candidates; None for all
    flood_clients: tuple[int, ...] = (1, 16, 256)
    flood: float = 10.0
    abuses: int = 1000  # connections of each kind
    entries: int = 10_000
    watchdogs: int = 20_000
    resets: int = 10_000_000
    watchdog_timeout: float = 5.0
    time_wait_checks: int = 10_000


FULL = Sizes()
QUICK = Sizes(
    loops=("asyncio",),
    checks=2000,
    flooded=("tcp_probe on asyncio", "asyncio.start_server"),
    flood_clients=(16,),
    flood=0.6,
    abuses=20,
    entries=50,
    watchdogs=200,
    resets=10_000,
    watchdog_timeout=0.5,
    time_wait_checks=200,
)

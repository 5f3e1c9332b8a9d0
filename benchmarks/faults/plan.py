"""Which cells run at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from benchmarks.faults.checker import Cell
from benchmarks.faults.conditions import Condition

BUSY_AT_ONCE = 3  # of the workers that are busy half of the time, on two cores
WAITING_AT_ONCE = 50  # of those that do nothing to speak of


def batches(candidates: Sequence[str], conditions: Sequence[Condition]) -> list[list[Cell]]:
    """Divide the cells into batches.

    Workers that would use up a core are a batch of their own: they may take it from each other,
    since nothing else is asked of them, but not from those that must be seen to be healthy.
    """
    cells = [Cell(candidate, each) for each in conditions for candidate in candidates]
    saturating = [cell for cell in cells if cell.condition.cores == 1]
    busy = [cell for cell in cells if 0 < cell.condition.cores < 1]
    waiting = [cell for cell in cells if cell.condition.cores == 0]
    count = max(ceil(len(busy) / BUSY_AT_ONCE), ceil(len(waiting) / WAITING_AT_ONCE))
    mixed = [busy[index::count] + waiting[index::count] for index in range(count)]
    return [saturating, *mixed] if saturating else mixed

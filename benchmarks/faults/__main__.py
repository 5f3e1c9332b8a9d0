"""Which failures a probe sees, and how soon: this listener beside what people use.

Every worker is a process of its own. A checker with kubelet's rules (period 1 s, timeout 1 s, three
failures in a row) checks it; after 3 s the condition happens to it, half a period before a check.
The tables tell how many seconds later kubelet would kill it, or never. Takes 12 min, and 15 s with
`--quick`, which runs a few cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

import anyio

from benchmarks.candidates import CANDIDATES, ON_ASYNCIO, PEERS, PID_FILE, THREAD, WATCHED
from benchmarks.faults.checker import judge
from benchmarks.faults.conditions import CONDITIONS, Condition
from benchmarks.faults.report import markdown
from benchmarks.processes import Server, serving, worker
from benchmarks.run import Results, run, say

JUDGED = [each.name for each in (ON_ASYNCIO, WATCHED, *PEERS, THREAD, PID_FILE)]
SIZES = {  # in full, and in a quick run
    "limit": (150.0, 6.0),  # s after the condition
    "candidates": (JUDGED, [JUDGED[0], PEERS[0].name, THREAD.name, PID_FILE.name]),
    "conditions": (
        list(CONDITIONS),
        ["worker returns, the process lives", "process gone", "idle all the time"],
    ),
}
BUSY_AT_ONCE = 3  # of the workers that are busy half of the time, on two cores
WAITING_AT_ONCE = 50  # of those that do nothing to speak of

Cell = tuple[str, Condition]  # a candidate, and what happens to it


def measure(sizes: Mapping[str, Any], _: Path) -> Results:
    """Run the cells."""
    conditions = [CONDITIONS[name] for name in sizes["conditions"]]
    not_run = [each for each in conditions if each.needs and not find_spec(each.needs)]
    cells = [
        (candidate, each)
        for each in conditions
        for candidate in sizes["candidates"]
        if each not in not_run
    ]
    verdicts = []
    for batch in _batches(cells):
        commands = {cell: _command(*cell) for cell in batch}
        with serving(commands, quiet=True) as servers:
            verdicts += anyio.run(_judge_all, servers, sizes["limit"])
        say(f"{len(verdicts)} of {len(cells)} cells")
    return {"cells": verdicts, "not_run": [f"{each.name} ({each.needs})" for each in not_run]}


def _command(candidate: str, condition: Condition) -> list[str]:
    backlog = CANDIDATES[candidate].backlog
    return worker(candidate, "faults.conditions", condition.name, backlog=backlog)


def _batches(cells: Sequence[Cell]) -> Iterator[Sequence[Cell]]:
    """Divide the cells into those that run at the same time.

    Workers that would use up a core are a batch of their own: they may take it from each other,
    since nothing else is asked of them, but not from those that must be seen to be healthy.
    """
    saturating = [cell for cell in cells if cell[1].cores == 1]
    busy = [cell for cell in cells if 0 < cell[1].cores < 1]
    waiting = [cell for cell in cells if cell[1].cores == 0]
    if saturating:
        yield saturating
    count = max(ceil(len(busy) / BUSY_AT_ONCE), ceil(len(waiting) / WAITING_AT_ONCE))
    for index in range(count):
        yield busy[index::count] + waiting[index::count]


async def _judge_all(servers: Mapping[Cell, Server], limit: float) -> list[dict[str, Any]]:
    found = []

    async def judge_one(index: int, cell: Cell, server: Server) -> None:
        # So that their checks do not all come at once.
        await anyio.sleep(index / len(servers))
        verdict = await judge(server, cell[1].clients, limit)
        names = {"candidate": cell[0], "condition": cell[1].name}
        found.append({**names, **asdict(verdict)})

    async with anyio.create_task_group() as tasks:
        for index, (cell, server) in enumerate(servers.items()):
            tasks.start_soon(judge_one, index, cell, server)
    return found


if __name__ == "__main__":
    run("faults", __doc__, SIZES, measure, markdown)

"""Which failures a probe sees, and how soon: this listener beside what people use.

Takes 12 min, and 15 s with `--quick`, which runs a few cells.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from math import ceil
from typing import Any

from benchmarks.candidates import ON_ASYNCIO, PEERS, PID_FILE, THREAD, WATCHED
from benchmarks.checks import check, checks
from benchmarks.faults.conditions import CONDITIONS, Condition
from benchmarks.processes import Server, serving, worker
from benchmarks.run import Results, run, say, table
from tcp_probe.kubelet.steps import Outcome

JUDGED = [each.name for each in (ON_ASYNCIO, WATCHED, *PEERS, THREAD, PID_FILE)]
SIZES = {  # in full, and in a quick run
    "limit": (150.0, 6.0),  # s after the condition
    "candidates": (JUDGED, [JUDGED[0], PEERS[0].name, THREAD.name, PID_FILE.name]),
    "conditions": (
        list(CONDITIONS),
        ["worker returns, the process lives", "process gone", "idle all the time"],
    ),
}
HAPPENS_AFTER = 3.5  # s, of checks every second
BUSY_AT_ONCE = 3  # of the workers that are busy half of the time, on two cores
SAME = 1.0  # s: verdicts less than this apart are no more than one check apart

Cell = tuple[str, Condition]  # a candidate, and what happens to it


def measure(sizes: Mapping[str, Any]) -> Results:
    """Run the cells."""
    wanted = [CONDITIONS[name] for name in sizes["conditions"]]
    not_run = [each for each in wanted if each.needs and not find_spec(each.needs)]
    conditions = [each for each in wanted if each not in not_run]
    cells = [(candidate, each) for each in conditions for candidate in sizes["candidates"]]
    found: Results = {each.name: {} for each in conditions}
    for batch in _batches(cells):
        commands = {
            cell: worker(cell[0], "faults.conditions", cell[1].name, backlog=0) for cell in batch
        }
        with serving(commands, quiet=True) as servers:
            verdicts = asyncio.run(_judge_all(servers, sizes["limit"]))
        for (candidate, condition), verdict in zip(batch, verdicts, strict=True):
            found[condition.name][candidate] = verdict
        say(f"{len(batch)} of {len(cells)} cells")
    return {"found": found, "not_run": [f"{each.name} ({each.needs})" for each in not_run]}


def _batches(cells: Sequence[Cell]) -> Iterator[Sequence[Cell]]:
    """Divide the cells into those that run at the same time.

    Workers that would use up a core are a batch of their own: they may take it from each other,
    since nothing else is asked of them, but not from those that must be seen to be healthy.
    """
    waiting, busy, saturating = ([c for c in cells if c[1].cores == n] for n in (0, 0.5, 1))
    if saturating:
        yield saturating
    count = max(1, ceil(len(busy) / BUSY_AT_ONCE))
    for index in range(count):
        yield busy[index::count] + waiting[index::count]


async def _judge_all(servers: Mapping[Cell, Server], limit: float) -> list[Results]:
    begins = asyncio.get_running_loop().time()
    # So that their checks do not all come at once.
    judging = [
        _judge(server, condition, begins + index / len(servers), limit)
        for index, ((_, condition), server) in enumerate(servers.items())
    ]
    return await asyncio.gather(*judging)


async def _judge(server: Server, condition: Condition, begins: float, limit: float) -> Results:
    """Check a worker until kubelet would kill it, or for `limit` seconds after the condition.

    `killed_after` is in seconds from the condition on, None where it would not have been killed.
    """
    loop = asyncio.get_running_loop()
    happens_at = begins + HAPPENS_AFTER
    loop.call_at(happens_at, server.send_signal, signal.SIGUSR1)
    made: list[Outcome] = []

    async def check_at_once() -> Outcome:
        # A killed worker that nobody has asked after has its PID still, as a zombie.
        server.poll()
        at_once = await asyncio.gather(*(check(server.told) for _ in range(condition.clients)))
        made.extend(at_once)
        return at_once[0]

    killed_after = None
    async for _, kills in checks(check_at_once, begins, happens_at + limit):
        if kills:
            killed_after = round(loop.time() - happens_at, 2)
            break
    failures = [each.message for each in made if each.success is False]
    return {
        "killed_after": killed_after,
        "checks": len(made),
        "failed": len(failures),
        "last_failure": ["", *failures][-1],
    }


def markdown(results: Results) -> str:
    """Return the tables, and which checks of healthy workers failed."""
    found = results["found"]
    seconds = {condition: _seconds(row) for condition, row in found.items()}
    faults = {name: row for name, row in seconds.items() if CONDITIONS[name].is_fault}
    healthy = {name: row for name, row in seconds.items() if name not in faults}
    columns = {name: f"{{{name}}}" for name in results["sizes"]["candidates"]}
    failed = [
        f"- {condition}, {name}: {each['failed']} of {each['checks']} ({each['last_failure']})"
        for condition in healthy
        for name, each in found[condition].items()
        if each["failed"] and each["killed_after"] is None
    ]
    limit = results["sizes"]["limit"]
    lines = [
        "Seconds from the condition to kubelet's decision to kill, at a period of 1 s, a timeout",
        f"of 1 s and three failures in a row. Never: not within {limit:g} s. Bold: the soonest of",
        "a row, and what is less than a check later.\n",
        table(faults, columns, "a fault: the sooner the better"),
        table(healthy, columns, "a healthy worker: never is right"),
        "Checks that a healthy worker failed without being killed:\n",
        *(failed or ["- none"]),
        *(f"\nNot run: {each}." for each in results["not_run"]),
    ]
    return "\n".join(lines) + "\n"


def _seconds(row: Results) -> dict[str, str]:
    """Return what is to be shown of the verdicts in a row."""
    after = {name: verdict["killed_after"] for name, verdict in row.items()}
    soon = SAME + min((s for s in after.values() if s is not None), default=0.0)
    return {
        name: "never" if s is None else f"**{s:.1f}**" if s < soon else f"{s:.1f}"
        for name, s in after.items()
    }


if __name__ == "__main__":
    run("faults", __doc__, SIZES, measure, markdown)

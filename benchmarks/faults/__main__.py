"""Which failures a probe sees, and how soon: this listener beside what people use.

Takes 11 min, and 15 s with `--quick`, which runs a few cells.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from math import ceil, inf
from typing import Any

from benchmarks.candidates import ON_ASYNCIO, PEERS, PID_FILE, THREAD, WATCHED
from benchmarks.checks import check, checks
from benchmarks.faults.conditions import CONDITIONS, Condition
from benchmarks.processes import Server, serving, worker
from benchmarks.run import Tables, run, say
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
NEVER = "never"
BUSY_AT_ONCE = 3  # of the workers that are busy half of the time, on two cores
FAULTS, HEALTHY, CHECKS = "Faults", "Healthy workers", "Checks / how many of them failed"
TEXTS = {
    FAULTS: "Seconds until kubelet would kill, at a period of 1 s, a timeout of 1 s and three"
    " failures in a row: the sooner the better. Never: not within {limit:g} s.",
    HEALTHY: "Likewise; never is right.",
    CHECKS: "With the last failure of a healthy worker's that was not killed.",
}

Cell = tuple[str, Condition]  # a candidate, and what happens to it
# After how many seconds it would have been killed, or never, and the checks that were made.
Verdict = tuple["float | str", list[Outcome]]


def measure(sizes: Mapping[str, Any]) -> Tables:
    """Run the cells."""
    conditions = []
    for name in sizes["conditions"]:
        condition = CONDITIONS[name]
        if condition.needs and not find_spec(condition.needs):
            say(f"{name}: not run, {condition.needs} is not installed")
        else:
            conditions.append(condition)
    cells = [(candidate, each) for each in conditions for candidate in sizes["candidates"]]
    verdicts: dict[Cell, Verdict] = {}
    for batch in _batches(cells):
        commands = {
            cell: worker(cell[0], "faults.conditions", cell[1].name, backlog=0) for cell in batch
        }
        with serving(commands, quiet=True) as servers:
            judged = asyncio.run(_judge_all(servers, sizes["limit"]))
        verdicts |= zip(batch, judged, strict=True)
        say(f"{len(verdicts)} of {len(cells)} cells")
    found: Tables = {FAULTS: {}, HEALTHY: {}, CHECKS: {}}
    for candidate, condition in cells:
        killed_after, made = verdicts[candidate, condition]
        failures = [outcome.message for outcome in made if outcome.success is False]
        counts: list[Any] = [len(made), len(failures)]
        if failures and not condition.is_fault and killed_after == NEVER:
            counts.append(failures[-1])
        kind = FAULTS if condition.is_fault else HEALTHY
        found[kind].setdefault(condition.name, {})[candidate] = killed_after
        found[CHECKS].setdefault(condition.name, {})[candidate] = counts
    return found


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


async def _judge_all(servers: Mapping[Cell, Server], limit: float) -> list[Verdict]:
    begins = asyncio.get_running_loop().time()
    # So that their checks do not all come at once.
    judging = [
        _judge(server, condition, begins + index / len(servers), limit)
        for index, ((_, condition), server) in enumerate(servers.items())
    ]
    return await asyncio.gather(*judging)


async def _judge(server: Server, condition: Condition, begins: float, limit: float) -> Verdict:
    """Check a worker until kubelet would kill it, or for `limit` seconds after the condition.

    Returns after how many seconds of the condition it would have been killed, and the checks. Its
    clients check at the same instant, as kubelet's probes of a pod may; one of them is enough.
    """
    loop = asyncio.get_running_loop()
    happens_at = begins + HAPPENS_AFTER
    loop.call_at(happens_at, server.send_signal, signal.SIGUSR1)
    made: list[Outcome] = []

    async def make_check() -> Outcome:
        # A killed worker that nobody has asked after has its PID still, as a zombie.
        server.poll()
        made.append(await check(server.told))
        return made[-1]

    async def killed_after() -> float:
        async for _, kills in checks(make_check, begins, happens_at + limit):
            if kills:
                return round(loop.time() - happens_at, 1)
        return inf

    soonest = min(await asyncio.gather(*(killed_after() for _ in range(condition.clients))))
    return NEVER if soonest == inf else soonest, made


if __name__ == "__main__":
    run("faults", __doc__, SIZES, measure, TEXTS)

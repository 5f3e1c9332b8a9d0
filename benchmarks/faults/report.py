"""The verdicts as Markdown tables, and which rows a peer wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from benchmarks.faults.candidates import OURS
from benchmarks.faults.checker import Cell, Verdict
from benchmarks.faults.conditions import FAULTS, HEALTHY, Condition
from benchmarks.markdown import table

# Seconds less than this apart are no more than one check apart.
SAME = 1.0

Verdicts = Mapping[Cell, Verdict]


def markdown(
    candidates: Sequence[str], verdicts: Verdicts, not_run: Sequence[Condition], limit: float
) -> str:
    """Return the tables and what is to be said of them."""
    introduction = (
        "Seconds from the condition to kubelet's decision to kill, at a period of 1 s, a timeout "
        f"of 1 s and three failures in a row. Never: not within {limit:g} s.\n"
    )
    lines = [
        introduction,
        _table("a fault: the sooner the better", FAULTS, candidates, verdicts),
        _table("a healthy worker: never is right", HEALTHY, candidates, verdicts),
        "Checks that a healthy worker failed without being killed:\n",
        *(_failed_without_a_kill(candidates, verdicts) or ["- none"]),
        "\nRows that a peer wins by more than a check:\n",
        *(_won_by_a_peer(candidates, verdicts) or ["- none"]),
        *(f"\nNot run: {each.name}, which needs {each.needs}." for each in not_run),
    ]
    return "\n".join(lines) + "\n"


def _table(
    title: str, conditions: Sequence[Condition], candidates: Sequence[str], verdicts: Verdicts
) -> str:
    rows = [
        [condition.name, *(_seconds(verdicts[Cell(each, condition)]) for each in candidates)]
        for condition in conditions
        if Cell(candidates[0], condition) in verdicts
    ]
    return table([title, *candidates], rows)


def _seconds(verdict: Verdict) -> str:
    return "never" if verdict.killed_after is None else f"{verdict.killed_after:.1f}"


def _failed_without_a_kill(candidates: Sequence[str], verdicts: Verdicts) -> list[str]:
    lines = []
    for condition in HEALTHY:
        for candidate in candidates:
            verdict = verdicts.get(Cell(candidate, condition))
            if verdict and verdict.failed and verdict.killed_after is None:
                share = f"{verdict.failed} of {verdict.checks}"
                lines.append(f"- {condition.name}, {candidate}: {share} ({verdict.last_failure})")
    return lines


def _won_by_a_peer(candidates: Sequence[str], verdicts: Verdicts) -> list[str]:
    lines = []
    for condition in (*FAULTS, *HEALTHY):
        row = {
            each: verdicts[Cell(each, condition)]
            for each in candidates
            if Cell(each, condition) in verdicts
        }
        harm = {each: _harm(verdict, condition) for each, verdict in row.items()}
        ours = min((each for each in OURS if each in harm), key=harm.__getitem__, default=None)
        if ours is not None:
            winners = [each for each in row if harm[each] < harm[ours] - SAME]
            told = ", ".join(f"{each} {_seconds(row[each])}" for each in winners)
            if winners:
                lines.append(f"- {condition.name}: {told} ({ours} {_seconds(row[ours])})")
    return lines


def _harm(verdict: Verdict, condition: Condition) -> float:
    """Return how long a fault goes on; of a healthy worker, that it is killed at all."""
    seconds = inf if verdict.killed_after is None else verdict.killed_after
    if condition in FAULTS:
        return seconds
    return inf if seconds < inf else 0.0

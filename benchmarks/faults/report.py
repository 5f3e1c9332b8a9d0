"""The verdicts as Markdown tables, and which rows a peer wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from benchmarks.candidates import LISTENERS, WATCHED
from benchmarks.faults.conditions import FAULTS, HEALTHY, Condition
from benchmarks.run import table

OURS = (LISTENERS[0].name, WATCHED.name)
# Seconds less than this apart are no more than one check apart.
SAME = 1.0

# What was found of one condition, by candidate.
Found = Mapping[str, Mapping[str, Any]]


def markdown(results: Mapping[str, Any]) -> str:
    """Return the tables and what is to be said of them."""
    candidates = results["sizes"]["candidates"]
    cells = {(cell["condition"], cell["candidate"]): cell for cell in results["cells"]}
    found = {
        each: {name: cells[each.name, name] for name in candidates}
        for each in (*FAULTS, *HEALTHY)
        if (each.name, candidates[0]) in cells
    }

    def verdicts(title: str, conditions: Sequence[Condition]) -> str:
        rows = [each for each in conditions if each in found]
        columns = {name: lambda row, name=name: _seconds(found[row][name]) for name in candidates}
        return table(rows, {title: lambda row: row.name, **columns})

    introduction = (
        "Seconds from the condition to kubelet's decision to kill, at a period of 1 s, a timeout "
        f"of 1 s and three failures in a row. Never: not within {results['sizes']['limit']:g} s.\n"
    )
    lines = [
        introduction,
        verdicts("a fault: the sooner the better", FAULTS),
        verdicts("a healthy worker: never is right", HEALTHY),
        "Checks that a healthy worker failed without being killed:\n",
        *(list(_failed_without_a_kill(found)) or ["- none"]),
        "\nRows that a peer wins by more than a check:\n",
        *(list(_won_by_a_peer(found)) or ["- none"]),
        *(f"\nNot run: {each}." for each in results["not_run"]),
    ]
    return "\n".join(lines) + "\n"


def _seconds(verdict: Mapping[str, Any]) -> str:
    return "never" if verdict["killed_after"] is None else f"{verdict['killed_after']:.1f}"


def _failed_without_a_kill(found: Mapping[Condition, Found]) -> Iterator[str]:
    for condition in (each for each in HEALTHY if each in found):
        for candidate, verdict in found[condition].items():
            if verdict["failed"] and verdict["killed_after"] is None:
                share = f"{verdict['failed']} of {verdict['checks']} ({verdict['last_failure']})"
                yield f"- {condition.name}, {candidate}: {share}"


def _won_by_a_peer(found: Mapping[Condition, Found]) -> Iterator[str]:
    for condition, row in found.items():
        harm = {name: _harm(verdict, condition) for name, verdict in row.items()}
        ours = min((each for each in OURS if each in harm), key=harm.__getitem__)
        winners = [each for each in row if harm[each] < harm[ours] - SAME]
        if winners:
            told = ", ".join(f"{each} {_seconds(row[each])}" for each in winners)
            yield f"- {condition.name}: {told} ({ours} {_seconds(row[ours])})"


def _harm(verdict: Mapping[str, Any], condition: Condition) -> float:
    """Return how long a fault goes on; of a healthy worker, that it is killed at all."""
    seconds: float = inf if verdict["killed_after"] is None else verdict["killed_after"]
    if condition in FAULTS:
        return seconds
    return inf if seconds < inf else 0.0

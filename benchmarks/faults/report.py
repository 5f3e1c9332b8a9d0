"""The verdicts as Markdown tables, and which rows a peer wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from benchmarks.candidates import ON_ASYNCIO, WATCHED
from benchmarks.faults.conditions import CONDITIONS
from benchmarks.run import Results, table

OURS = (ON_ASYNCIO.name, WATCHED.name)
# Seconds less than this apart are no more than one check apart.
SAME = 1.0

Row = tuple[str, Mapping[str, Mapping[str, Any]]]  # a condition, and its verdict by candidate


def markdown(results: Results) -> str:
    """Return the tables and what is to be said of them."""
    candidates = results["sizes"]["candidates"]
    rows: dict[str, dict[str, Any]] = {}
    for cell in results["cells"]:
        rows.setdefault(cell["condition"], {})[cell["candidate"]] = cell
    found = [(name, rows[name]) for name in CONDITIONS if name in rows]
    faults = [row for row in found if CONDITIONS[row[0]].is_fault]
    healthy = [row for row in found if row not in faults]
    columns = {name: lambda row, name=name: _seconds(row[1][name]) for name in candidates}
    introduction = (
        "Seconds from the condition to kubelet's decision to kill, at a period of 1 s, a timeout "
        f"of 1 s and three failures in a row. Never: not within {results['sizes']['limit']:g} s.\n"
    )
    lines = [
        introduction,
        table(faults, {"a fault: the sooner the better": lambda row: row[0], **columns}),
        table(healthy, {"a healthy worker: never is right": lambda row: row[0], **columns}),
        "Checks that a healthy worker failed without being killed:\n",
        *(list(_failed_without_a_kill(healthy)) or ["- none"]),
        "\nRows that a peer wins by more than a check:\n",
        *(list(_won_by_a_peer(found)) or ["- none"]),
        *(f"\nNot run: {each}." for each in results["not_run"]),
    ]
    return "\n".join(lines) + "\n"


def _seconds(verdict: Mapping[str, Any]) -> str:
    return "never" if verdict["killed_after"] is None else f"{verdict['killed_after']:.1f}"


def _failed_without_a_kill(healthy: Sequence[Row]) -> Iterator[str]:
    for condition, row in healthy:
        for candidate, verdict in row.items():
            if verdict["failed"] and verdict["killed_after"] is None:
                share = f"{verdict['failed']} of {verdict['checks']} ({verdict['last_failure']})"
                yield f"- {condition}, {candidate}: {share}"


def _won_by_a_peer(found: Sequence[Row]) -> Iterator[str]:
    for condition, row in found:
        harm = {name: _harm(verdict, condition) for name, verdict in row.items()}
        ours = min((each for each in OURS if each in harm), key=harm.__getitem__)
        winners = [each for each in row if harm[each] < harm[ours] - SAME]
        if winners:
            told = ", ".join(f"{each} {_seconds(row[each])}" for each in winners)
            yield f"- {condition}: {told} ({ours} {_seconds(row[ours])})"


def _harm(verdict: Mapping[str, Any], condition: str) -> float:
    """Return how long a fault goes on; of a healthy worker, that it is killed at all."""
    seconds: float = inf if verdict["killed_after"] is None else verdict["killed_after"]
    if CONDITIONS[condition].is_fault:
        return seconds
    return inf if seconds < inf else 0.0

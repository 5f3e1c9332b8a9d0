"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, its first column to the left and the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def provenance(facts: Mapping[str, Any]) -> str:
    """Return one line on when and on what figures were measured, and how quiet it was there."""
    machine = facts["machine"]
    packages = [f"{name} {version}" for name, version in machine["packages"].items() if version]
    return (
        f"{facts['date']}, {machine['system']}, {machine['processor']}, {machine['cores']} cores, "
        f"{machine['python']}; {', '.join(packages)}. Other processes kept "
        f"{facts['cores_others_kept_busy']:g} cores busy. Took {facts['took_seconds']} s.\n"
    )

"""A table of what has grown."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from benchmarks.run import Columns, cell, table


def growth(what: str, count: int, found: Mapping[str, Any], own: Columns) -> str:
    """Return for each loop what its process held after a tenth, at `first`, and after all of it."""
    columns: dict[str, Any] = {"loop": itemgetter(0), what: lambda _: str(count), **own}
    for head, figure, unit in (
        ("resident KiB", "resident_bytes", 1 / 1024),
        ("file descriptors", "file_descriptors", 1),
        ("threads", "threads", 1),
    ):
        first, last = (cell(f"{at}.{figure}", "{:g}", unit) for at in ("first", "last"))
        columns[head] = lambda row, first=first, last=last: f"{first(row)} → {last(row)}"
    return f"After a tenth of the {what} → after all of them.\n\n{table(found.items(), columns)}"

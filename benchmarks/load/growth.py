"""A table of what has grown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.run import table

_UNITS = {
    "resident KiB": ("resident_bytes", 1024),
    "file descriptors": ("file_descriptors", 1),
    "threads": ("threads", 1),
}
# A name, and what the process held at first and at last.
Row = tuple[str, Sequence[Mapping[str, Any]]]


def growth(what: str, rows: Sequence[Row], columns: Mapping[str, Callable[[Row], str]]) -> str:
    """Return for each loop what its process held after a tenth, and after all of it."""
    grown = {
        head: lambda row, of=of, unit=unit: " → ".join(f"{each[of] / unit:g}" for each in row[1])
        for head, (of, unit) in _UNITS.items()
    }
    shown = table(rows, {"loop": lambda row: row[0], **columns, **grown})
    return f"After a tenth of the {what} → after all of them.\n\n{shown}"

from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe._columns import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = 2


def table(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Align rows as kubectl does; what is too wide is wrapped in the first column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = min(widths[0], width - sum(widths[1:]) - GAP * (len(widths) - 1))
    for first, *rest in rows:
        name, *more = wrapped(first, widths[0])
        cells = (cell.ljust(wide) for cell, wide in zip((name, *rest), widths, strict=True))
        yield (" " * GAP).join(cells).rstrip()
        yield from more

from __future__ import annotations

import shutil
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


# Nothing is made narrower than that.
NARROWEST = 60


def terminal(unknown: int) -> int:
    """Return how many columns the reader has: `unknown` where no terminal and no COLUMNS tell."""
    return max(shutil.get_terminal_size((unknown, 24)).columns, NARROWEST)


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Break a text at its spaces, never in a word, with `first` and `rest` before its lines.

    A word that is longer than a line, a path for one, stands as it is. `rest` is as many spaces as
    `first` is long where it is not given.
    """
    return wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Align rows as kubectl does, at whatever width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("   ".join(row).rstrip() for row in padded)

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is longer is cut: a name or a path of it has to fit a line or two.
MOST = 120
# Of a file with thousands of Pods nobody reads more.
MOST_NAMED = 10


def printable(text: str, most: int = MOST) -> str:
    r"""Return a text that can be printed: nothing in it moves the cursor or colours the terminal.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    cut = text if len(text) <= most else f"{text[:most]}..."
    if cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in cut)


def first_of(names: Sequence[str], between: str = ", ") -> str:
    """Return the first of these names, and how many more there are.

    >>> first_of([str(number) for number in range(12)])
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    more = len(names) - MOST_NAMED
    return between.join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")

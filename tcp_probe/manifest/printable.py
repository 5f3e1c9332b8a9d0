from __future__ import annotations

# What is longer is cut: a name or a path of it has to fit a line or two.
MOST = 120


def printable(text: str, most: int = MOST) -> str:
    r"""Return a text that can be printed: nothing in it moves the cursor or colours the terminal.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    cut = text if len(text) <= most else f"{text[:most]}..."
    if cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in cut)

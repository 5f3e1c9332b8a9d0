from __future__ import annotations

import os
import sys

# `typing` is dear for a check.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def tell(text: str) -> None:
    """Print lines on the standard error, if they can be: the exit status tells of it, too."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what Python still flushes at its exit go nowhere: it would fail once more, with noise."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

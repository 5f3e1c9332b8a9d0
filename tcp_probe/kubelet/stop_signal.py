from __future__ import annotations

import re
import signal


def number(name: str) -> int:
    """Return the number of a signal as `lifecycle.stopSignal` names it.

    >>> number("SIGTERM"), number("SIGRTMIN+3")
    (15, 37)

    Raises `ValueError` where there is no such signal.
    """
    found = re.fullmatch(r"(SIG[A-Z0-9]+)([+-][0-9]{1,2})?", name)
    if found is None or found[1] not in signal.Signals.__members__:
        raise ValueError(f"expected a signal such as SIGUSR1 or SIGRTMIN+3, got {name!r}")
    return signal.Signals[found[1]] + int(found[2] or 0)

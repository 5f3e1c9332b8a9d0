"""How times, spans, counts and exit codes are written."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# The shell's way of saying that signal N ended a process.
SIGNALLED = 128


def iso(at: datetime | None) -> str | None:
    """Write a time as the API does."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def moment(at: datetime | None) -> str:
    """Write a time for a reader; times of evidence are UTC."""
    return at.strftime("%H:%M:%S") if at else "an unknown time"


def day(at: datetime) -> str:
    """Write a time with its day, as in `2026-11-24 08:53:17Z`."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def between(first: datetime | None, last: datetime | None) -> str:
    """Write from when to when, as briefly as it can be."""
    if first is None or last is None or first == last:
        return moment(last or first)
    return f"{moment(first)} to {moment(last)}"


def span(seconds: float) -> str:
    """Write so many seconds as a reader would: 14 s, 3 min, 5 h, 2 days."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} days"


def counted(number: int, what: str) -> str:
    """Write a number and what it counts: 1 restart, 2 restarts."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def times(count: int) -> str:
    """Write how often: nothing for once."""
    return "" if count == 1 else f" x{count}"


def signal_of(code: int) -> str:
    """Name the signal that an exit code stands for; empty for none."""
    try:
        return signal.Signals(code - SIGNALLED).name if code > SIGNALLED else ""
    except ValueError:
        return ""


def code_of(code: int) -> str:
    """Write an exit code, and the signal it stands for."""
    name = signal_of(code)
    return f"exit code {code} ({name})" if name else f"exit code {code}"

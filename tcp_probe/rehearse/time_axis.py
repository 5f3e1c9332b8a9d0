from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

MINUTE = 60
HOUR = 3600
STEPS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
    *(MINUTE * step for step in (1, 2, 5, 10, 20, 30)),
    *(HOUR * step for step in (1, 2, 3, 6, 12, 24)),
)


@dataclass(frozen=True)
class Axis:
    """Maps times in seconds to places from 0 to `width`, and knows where its ticks are.

    The time `zero` is labelled with 0.
    """

    began: float
    ended: float
    width: float
    zero: float = 0

    def place(self, time: float) -> float:
        """Return where a time is, at an end of the axis for one beyond it."""
        part = (time - self.began) / max(self.ended - self.began, 1e-9)
        return min(max(part, 0), 1) * self.width

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return at most so many times, and a few more, with their labels."""
        span = self.ended - self.began
        fitting = (step for step in STEPS if span / step <= most)
        step = next(fitting, STEPS[-1] * ceil(span / STEPS[-1] / most))
        first = ceil((self.began - self.zero) / step - 1e-9)
        last = floor((self.ended - self.zero) / step + 1e-9)
        return [(self.zero + i * step, _label(i * step, step)) for i in range(first, last + 1)]


def _label(seconds: float, step: float) -> str:
    if abs(seconds) < step / 2:
        return "0"
    if step < MINUTE:
        return f"{seconds:g} s" if step >= 1 else f"{seconds:.1f} s"
    if step < HOUR:
        return f"{seconds / MINUTE:g} min"
    return f"{seconds / HOUR:g} h"


def length(seconds: float) -> str:
    """Write how long something took: 0.6 s, 25 s, 2 min 40 s, 1 h 5 min."""
    if round(seconds, 1) < 10:  # noqa: PLR2004 - below it tenths matter
        return f"{round(seconds, 1):g} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    big, small, units = (whole // MINUTE, whole % MINUTE, ("min", "s"))
    if whole >= HOUR:
        big, small, units = (whole // HOUR, whole % HOUR // MINUTE, ("h", "min"))
    return f"{big} {units[0]} {small} {units[1]}" if small else f"{big} {units[0]}"

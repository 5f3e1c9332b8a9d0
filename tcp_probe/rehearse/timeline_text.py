from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .time_axis import Axis, length
from .timeline import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .timeline import Check, Span, Timeline

LABEL = 11
# So many columns are left to a tick, at least.
TICK = 12


@dataclass(frozen=True)
class Signs:
    """The characters that a timeline is made of."""

    running: str
    grace: str
    back_off: str
    ready: str
    results: dict[Result, str]


SIGNS = Signs(
    "█",
    "▒",
    "┄",
    "━",
    {"passed": "•", "failed": "\N{MULTIPLICATION SIGN}", "timed out": "○", "errored": "?"},
)
ASCII = Signs("=", "/", ".", "-", {"passed": "o", "failed": "x", "timed out": "T", "errored": "?"})
# Where several share a column, the first one here is shown.
WEIGHT: tuple[Result, ...] = ("failed", "timed out", "errored", "passed")


def timeline_text(timeline: Timeline, columns: int, encoding: str = "utf-8") -> str:
    """Draw a timeline with characters, at most so many columns wide.

    Where the encoding lacks the characters that look like bars, others stand in for them.
    """
    signs = SIGNS if _can_write(SIGNS, encoding) else ASCII
    width = columns - LABEL
    axis = Axis(0, max(timeline.now, 1), width - 1)
    lanes = {"container": _container(timeline, axis, width, signs)}
    lanes["ready"] = _bar(timeline.ready, axis, [" "] * width, signs.ready)
    for kind, checks in timeline.checks.items():
        lanes[kind] = _dots(checks, axis, width, signs)
    lines = [f"{name:{LABEL}}{''.join(lane)}".rstrip() for name, lane in lanes.items()]
    return "\n".join(
        [*lines, " " * LABEL + _ticks(axis, width), *_legend(timeline, signs, columns)]
    )


def _can_write(signs: Signs, encoding: str) -> bool:
    characters = f"{signs.running}{signs.grace}{signs.back_off}{signs.ready}"
    try:
        (characters + "".join(signs.results.values())).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _container(timeline: Timeline, axis: Axis, width: int, signs: Signs) -> list[str]:
    lane = [" "] * width
    for span in timeline.back_off:
        _bar([span], axis, lane, signs.back_off)
        began, ended = (round(axis.place(time)) for time in (span.began, span.ended))
        took = f" {length(span.ended - span.began)} "
        start = (began + ended + 1 - len(took)) // 2
        if ended - began > len(took) + 1:
            lane[start : start + len(took)] = took
    _bar(timeline.grace, axis, lane, signs.grace)
    return _bar(timeline.running, axis, lane, signs.running)


def _bar(spans: Sequence[Span], axis: Axis, lane: list[str], sign: str) -> list[str]:
    for span in spans:
        began, ended = (round(axis.place(time)) for time in (span.began, span.ended))
        # What is too short for a column is shown all the same.
        for column in range(began, max(ended, began + 1)):
            lane[column] = sign
    return lane


def _dots(checks: Sequence[Check], axis: Axis, width: int, signs: Signs) -> list[str]:
    lane = [" "] * width
    for result in reversed(WEIGHT):
        for check in checks:
            if check.result == result:
                lane[round(axis.place(check.ended))] = signs.results[result]
    return lane


def _ticks(axis: Axis, width: int) -> str:
    line = ""
    for time, label in axis.ticks(width // TICK):
        column = min(round(axis.place(time)), width - len(label))
        line = f"{line:{column}}{label}"
    return line


def _legend(timeline: Timeline, signs: Signs, columns: int) -> list[str]:
    results = {check.result for checks in timeline.checks.values() for check in checks}
    shown = [
        (signs.running, "running", True),
        (signs.grace, "grace", bool(timeline.grace)),
        (signs.back_off, "back-off", bool(timeline.back_off)),
        (signs.ready, "ready", bool(timeline.ready)),
        *((signs.results[result], result, result in results) for result in WEIGHT),
    ]
    lines = [""]
    for sign, name, seen in shown:
        item = f"{sign} {name}"
        if seen and LABEL + len(lines[-1]) + 2 + len(item) > columns:
            lines.append("")
        if seen:
            lines[-1] += f"  {item}" if lines[-1] else item
    return [" " * LABEL + line for line in lines]

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, groupby
from textwrap import wrap
from typing import TYPE_CHECKING, get_args

from .canvas import LETTER, WIDTH, Canvas
from .time_axis import Axis, length
from .timeline import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .timeline import Check, End, Span, Timeline

MARGIN = 20
LEFT = 112
RIGHT = WIDTH - MARGIN - 8
# Below it two dots, or two numbers, would run into each other.
APART = 5
SMALL = 11
# Prose has narrow letters, too.
LETTER_OF_PROSE = 0.54
MOST_TICKS = 9
MOST_REASONS = 8
RESULTS: tuple[Result, ...] = get_args(Result)
LEGEND = ("running", "stuck", "grace", "back-off", "ready", *RESULTS, "ended")


@dataclass(frozen=True)
class Mark:
    """A moment that the picture names, across all its lanes."""

    time: float
    text: str


def draw(  # noqa: PLR0913 - each is a fact of its own
    title: str,
    timelines: Sequence[tuple[str, Timeline]],
    *,
    began: float = 0,
    ended: float | None = None,
    zero: float = 0,
    mark: Mark | None = None,
) -> str:
    """Draw what happened to containers, one under the other on one axis; return the text of an SVG.

    Each timeline comes with a line of text about it. `began` and `ended` cut the time shown, in
    seconds; `zero` is the time from which the axis counts.
    """
    end = max((timeline.now for _, timeline in timelines), default=0)
    axis = Axis(began, max(end, 1) if ended is None else ended, RIGHT - LEFT, zero)
    return _Picture(title, timelines, axis, mark).draw()


@dataclass(frozen=True)
class _Group:
    caption: str
    timeline: Timeline
    ends: list[tuple[int, End]]


class _Picture:
    def __init__(
        self,
        title: str,
        timelines: Sequence[tuple[str, Timeline]],
        axis: Axis,
        mark: Mark | None,
    ) -> None:
        self._title = title
        self._axis = axis
        self._mark = mark
        number = count(1)
        # Numbered through all groups, so that one list below tells of all of them.
        self._groups = [
            _Group(caption, timeline, [(next(number), end) for end in self._ends(timeline)])
            for caption, timeline in timelines
        ]
        self._reasons: dict[str, list[int]] = {}
        for group in self._groups:
            for number_of_end, end in group.ends:
                self._reasons.setdefault(end.why, []).append(number_of_end)
        captions = [f"{group.caption}." for group in self._groups]
        reasons = [f"{_numbers(numbers)}: {why}." for why, numbers in self._reasons.items()]
        self._canvas = Canvas(title, " ".join(captions + reasons))
        self._y = 0.0
        self._seen: set[str] = set()

    def draw(self) -> str:
        self._y = MARGIN + 12
        self._canvas.text(MARGIN, self._y, self._title, size=16, bold=True)
        self._y += 8
        for group in self._groups:
            self._group(group)
        for time, label in self._axis.ticks(MOST_TICKS):
            x = LEFT + self._axis.place(time)
            self._canvas.text(x, self._y + 6, label, "dim", size=SMALL, anchor="middle")
        self._y += 18
        self._list_ends()
        self._legend()
        return self._canvas.finish(self._y + MARGIN)

    def _ends(self, timeline: Timeline) -> list[End]:
        return [end for end in timeline.ends if self._shown(end.time)]

    def _group(self, group: _Group) -> None:
        timeline = group.timeline
        self._y += 18
        self._canvas.text(MARGIN, self._y, group.caption, bold=len(self._groups) > 1)
        self._y += 34 if group.ends or self._mark else 18
        self._grid(self._y - 14, self._y + 31 + 18 * len(timeline.checks))
        self._number_ends(group.ends)
        self._lane("container")
        for span in timeline.running:
            self._bar(span, "running", 18, f"ran for {length(span.ended - span.began)}")
        for span in timeline.stuck:
            self._bar(span, "stuck", 18, f"stood still for {length(span.ended - span.began)}")
        for span in timeline.grace:
            self._bar(span, "grace", 18, f"took {length(span.ended - span.began)} to end")
        for span in timeline.back_off:
            self._gap(span)
        self._y += 20
        self._lane("ready")
        for span in timeline.ready:
            self._bar(span, "ready", 6, f"ready for {length(span.ended - span.began)}")
        for kind, checks in timeline.checks.items():
            self._y += 18
            self._lane(kind)
            self._checks(checks)
        self._y += 18

    def _grid(self, top: float, bottom: float) -> None:
        for time, _ in self._axis.ticks(MOST_TICKS):
            x = LEFT + self._axis.place(time)
            self._canvas.line(x, top, x, bottom, "grid")
        if self._mark:
            x = LEFT + self._axis.place(self._mark.time)
            self._canvas.line(x, top - 12, x, bottom, "mark", dashes="4 3")
            self._canvas.text(x - 5, top - 6, self._mark.text, "end", size=SMALL, anchor="end")

    def _lane(self, name: str) -> None:
        self._canvas.text(MARGIN, self._y + 4, name, "dim")
        self._canvas.line(LEFT, self._y, RIGHT, self._y, "rail")

    def _places(self, span: Span) -> tuple[float, float]:
        return LEFT + self._axis.place(span.began), LEFT + self._axis.place(span.ended)

    def _shown(self, time: float) -> bool:
        return self._axis.began <= time <= self._axis.ended

    def _bar(self, span: Span, kind: str, height: float, hint: str) -> None:
        began, ended = self._places(span)
        if ended > began or self._shown(span.began):
            self._canvas.bar(began, self._y, ended - began, height, kind, hint)
            self._seen.add(kind)

    def _gap(self, span: Span) -> None:
        began, ended = self._places(span)
        if ended == began:
            return
        took = length(span.ended - span.began)
        self._seen.add("back-off")
        self._canvas.bar(began, self._y, ended - began, 18, "card", f"not restarted for {took}")
        self._canvas.line(began, self._y, ended, self._y, "back-off", dashes="2 3")
        if ended - began > len(took) * SMALL * LETTER + 4:
            middle = (began + ended) / 2
            self._canvas.text(middle, self._y - 3, took, "dim", size=SMALL, anchor="middle")

    def _number_ends(self, ends: Sequence[tuple[int, End]]) -> None:
        groups: list[tuple[list[int], list[float]]] = []
        for number, end in ends:
            x = LEFT + self._axis.place(end.time)
            self._canvas.end(x, self._y - 11, f"{number}: {end.why}")
            self._seen.add("ended")
            if groups and x - groups[-1][1][-1] < 2 * SMALL:
                groups[-1][0].append(number)
                groups[-1][1].append(x)
            else:
                groups.append(([number], [x]))
        for numbers, places in groups:
            middle = (places[0] + places[-1]) / 2
            shown = _numbers(numbers)
            self._canvas.text(middle, self._y - 21, shown, size=SMALL, anchor="middle")

    def _checks(self, checks: Sequence[Check]) -> None:
        shown = [check for check in checks if self._shown(check.ended)]
        runs = [(result, list(run)) for result, run in groupby(shown, lambda check: check.result)]
        # What matters most is drawn last, over what may lie under it.
        for result, run in sorted(runs, key=lambda run: RESULTS.index(run[0])):
            self._seen.add(result)
            places = [self._places(check.span) for check in run]
            dense = len(run) > 1 and places[-1][1] - places[0][1] < APART * (len(run) - 1)
            hint = f"{len(run)} check{'s' if len(run) > 1 else ''} {result}"
            self._canvas.dots(self._y, _apart(places) if dense else places, result, hint)

    def _list_ends(self) -> None:
        for why, numbers in list(self._reasons.items())[:MOST_REASONS]:
            self._wrapped(f"{_numbers(numbers)}  {why}")
        if len(self._reasons) > MOST_REASONS:
            self._wrapped(f"and {len(self._reasons) - MOST_REASONS} other reasons")

    def _wrapped(self, text: str) -> None:
        most = int((WIDTH - 2 * MARGIN) / (12 * LETTER_OF_PROSE))
        lines = wrap(text, most, max_lines=3, placeholder=" …", subsequent_indent="    ")
        for line in lines:
            self._y += 17
            indent = 16 if line.startswith(" ") else 0
            self._canvas.text(MARGIN + indent, self._y, line.strip())

    def _legend(self) -> None:
        self._y += 26
        x = float(MARGIN)
        for name in filter(self._seen.__contains__, LEGEND):
            y = self._y - 4
            if name in ("running", "stuck", "grace", "ready"):
                self._canvas.bar(x, y, 18, 6 if name == "ready" else 12, name, name)
            elif name == "back-off":
                self._canvas.line(x, y, x + 18, y, name, dashes="2 3")
            elif name in RESULTS:
                self._canvas.dots(y, [(x + 3, x + 12)], name, name)
            else:
                self._canvas.end(x + 10, y + 4, name)
            self._canvas.text(x + 24, self._y, name, "dim", size=SMALL)
            x += 24 + len(name) * SMALL * LETTER + 14


def _apart(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    kept = [places[0]]
    for place in places[1:-1]:
        if place[1] - kept[-1][1] >= APART:
            kept.append(place)
    return [*kept, places[-1]]


def _numbers(numbers: Sequence[int]) -> str:
    """Write numbers briefly: 1, 3 to 5."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(
        f"{span[0]}\N{EN DASH}{span[-1]}" if span[1:] else f"{span[0]}" for span in spans
    )

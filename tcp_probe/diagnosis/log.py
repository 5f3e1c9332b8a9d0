"""What the end of a container's log tells: why the port refused, and what the worker died of."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from .plain import plain
from .stack import Frame, Stack, frame_of, frames_from, ungrouped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENDED = "the worker has ended"
_DRAINING = "draining"
_REFUSES = re.compile(r"port (?P<port>\d+) refuses checks: (?P<reason>.*)")
_ANSWERS = re.compile(r"port (?P<port>\d+) answers checks")
_NO_ACCEPT = re.compile(r"port (?P<port>\d+) cannot accept checks.*?(?P<error>\[Errno.*|: .*)")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")
_TRACEBACK = "Traceback (most recent call last):"
_HEADING = re.compile(r"the (?:task waits|thread stands) at \(most recent .* last\):")
_FAULTHANDLER = re.compile(r"(?:Current thread|Thread) 0x\S+.* \(most recent call first\):")
_PANIC = re.compile(r"(?:panic: |fatal error: |thread '.*' panicked at )")
_CHILD = re.compile(
    r"(?:exit|return|end|die|kill|code|status|signal)[^\n]{0,20}(?<![\d.-])-9\b|SIGKILL|signal 9\b"
)
# A last line like that says of itself that it is the reason.
_ERROR = re.compile(
    r"error|fatal|denied|not found|no such|read-only|can(?:no|')t|refused|failed|exception|invalid"
    r"|unable|abort|missing|segmentation",
    re.IGNORECASE,
)
_NO_LOG = ("Error from server", "unable to retrieve container logs", "failed to try resolving")
# A worker that drains may listen again for a moment as its watchdog is left.
_ON_ITS_WAY_OUT = 2.0
# What follows a traceback that ended the process.
_LAST_LINES = 8
_LONGEST_REASON = 200
_LONGEST_LINE = 2000


@dataclass(frozen=True)
class Refusal:
    """A line `port N refuses checks`, and the stack under it."""

    port: int
    stack: Stack

    @property
    def reason(self) -> str:
        """Why the port refused."""
        return self.stack.reason

    def __str__(self) -> str:
        """Write it as it stands in the log."""
        return f"port {self.port} refuses checks: {self.reason}"


@dataclass(frozen=True)
class _Turn:
    refusal: Refusal | None  # None where the port answers again
    port: int
    at: datetime | None


class Log:
    """The end of a log, or a termination message, which holds the same words."""

    def __init__(self, text: str) -> None:
        self.lines: Sequence[str] = list(_lines(text))

    def refusal(self, port: int | None) -> Refusal | None:
        """Return the refusal of that port that counts: the last before the worker drained.

        A worker says `refuses checks` on its way out as well.
        """
        turns = [turn for turn in self._turns if port in (None, turn.port)]
        told = [turn for turn in turns if turn.refusal and turn.refusal.reason != _DRAINING]
        if not told:
            return None
        last = told[-1]
        if len(told) > 1 and last.refusal and last.refusal.reason == ENDED:
            again = [turn for turn in turns[: turns.index(last)] if turn.refusal is None]
            if again and _seconds_between(again[-1], last) <= _ON_ITS_WAY_OUT:
                last = told[-2]
        return last.refusal

    @cached_property
    def answered(self) -> set[int]:
        """The ports that answered checks at some time."""
        return {turn.port for turn in self._turns if turn.refusal is None}

    @cached_property
    def cannot_accept(self) -> str | None:
        """Why checks could not be accepted, and so timed out."""
        found = [match for line in self.lines if (match := _NO_ACCEPT.search(line))]
        return found[-1]["error"].lstrip(": ") if found else None

    @cached_property
    def child_killed(self) -> int:
        """How many lines tell of a child that was ended by SIGKILL."""
        return sum(1 for line in self.lines if _CHILD.search(line))

    @cached_property
    def failure(self) -> Stack | None:
        """What the process died of: the traceback at the end, else a last line that says so."""
        lines = list(self.lines)
        for start in range(len(lines) - 1, -1, -1):
            stack, end = self._failure_at(start)
            if stack:
                rest = [line for line in lines[end:] if line.strip()]
                return stack if len(rest) <= _LAST_LINES else None
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return Stack(_shortened(last)) if _ERROR.search(last) else None

    @cached_property
    def dump(self) -> Stack | None:
        """What faulthandler wrote, where a thread held the GIL: the thread that ran, as it seems.

        It writes the main thread last.
        """
        threads = [
            Stack("", frames_from(self.lines, at + 1)[0][::-1])
            for at, line in enumerate(self.lines)
            if _FAULTHANDLER.match(line.strip())
        ]
        known = [thread for thread in threads if thread.frames]
        ran = [thread for thread in known if not thread.frames[-1].waits]
        return next(iter(ran[::-1] or known[::-1]), None)

    def _failure_at(self, start: int) -> tuple[Stack | None, int]:
        line = ungrouped(self.lines[start])
        if line.strip().endswith(_TRACEBACK):
            frames, end = frames_from(self.lines, start + 1)
            said = ungrouped(self.lines[end]).strip() if end < len(self.lines) else ""
            return Stack(_shortened(said), frames), end + 1
        if _PANIC.match(line):
            rest = range(start + 1, len(self.lines))
            frames = [frame for at in rest if (frame := frame_of(self.lines[at]))]
            return Stack(_shortened(line.strip()), frames[::-1]), len(self.lines)
        is_frame = frame_of(line) is not None and line.lstrip().startswith("at ")
        if is_frame and start and not frame_of(self.lines[start - 1]):
            frames, end = frames_from(self.lines, start)
            return Stack(_shortened(self.lines[start - 1].strip()), frames[::-1]), end
        return None, 0

    @cached_property
    def _turns(self) -> list[_Turn]:
        return list(self._all_turns())

    def _all_turns(self) -> Iterator[_Turn]:
        for at, line in enumerate(self.lines):
            stamp = _STAMP.search(line)
            when = datetime.fromisoformat(f"{stamp[1]}T{stamp[2]}") if stamp else None
            if found := _REFUSES.search(line):
                stack = self._stack_under(at + 1)
                reason = _shortened(found["reason"].strip())
                refusal = Refusal(int(found["port"]), Stack(reason, stack))
                yield _Turn(refusal, refusal.port, when)
            elif found := _ANSWERS.search(line):
                yield _Turn(None, int(found["port"]), when)

    def _stack_under(self, at: int) -> Sequence[Frame]:
        heading = self.lines[at].strip() if at < len(self.lines) else ""
        if heading == _TRACEBACK or _HEADING.fullmatch(heading):
            return frames_from(self.lines, at + 1)[0]
        return frames_from(self.lines, at)[0]


def log_of(text: str | None) -> Log | None:
    """Read a log; None where there is none, or an error stands in its place."""
    if text is None or text.startswith(_NO_LOG):
        return None
    return Log(text)


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        # Workers that log JSON put all of it in one line.
        if line.startswith("{") and ("refuses checks" in line or "Traceback" in line):
            yield from _told_in_json(line)
        else:
            yield line[:_LONGEST_LINE]


def _told_in_json(line: str) -> Iterator[str]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return
    for told in fields.values():
        if isinstance(told, str):
            yield from (each[:_LONGEST_LINE] for each in plain(told).split("\n"))


def _seconds_between(first: _Turn, last: _Turn) -> float:
    return (last.at - first.at).total_seconds() if first.at and last.at else 0.0


def _shortened(reason: str) -> str:
    cut = len(reason) > _LONGEST_REASON
    return f"{reason[:_LONGEST_REASON]}..." if cut else reason

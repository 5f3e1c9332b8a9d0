"""Stacks as they stand in logs: Python's, faulthandler's, the JVM's, Node's, Go's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PYTHON = re.compile(r'\s*File "(?P<file>.*)", line (?P<line>\d+)(?:,? in (?P<function>.*))?')
_AT = re.compile(r"\s+at (?P<function>.*?) ?\((?P<file>[^()]*?):(?P<line>\d+)(?::\d+)?\)\s*")
_NATIVE_AT = re.compile(r"\s+at (?P<function>\S+)\((?P<file>[A-Za-z ]+)\)(?P<line>)\s*")
_BARE_AT = re.compile(r"\s+at (?P<function>)(?P<file>\S+?):(?P<line>\d+)(?::\d+)?\s*")
_GO = re.compile(r"(?:\t| +)(?P<file>/\S+\.go):(?P<line>\d+)(?: \+0x[0-9a-f]+)?")
_GROUP = re.compile(r" *(?:\| ?|\+ )")  # how Python draws an exception group
_STANDARD = re.compile(
    r"^<frozen |[/\\]lib[/\\]python\d[\d.]*[/\\](?!(?:site|dist)-packages)"
    r"|^node:|/usr/local/go/src/|^<unknown>"
)
_STANDARD_FUNCTION = re.compile(r"(?:java|javax|jdk|sun|kotlin|scala)[./]")
_LIBRARY = re.compile(
    r"[/\\](?:site-packages|dist-packages|node_modules)[/\\]|/pkg/mod/|[/\\]tcp_probe[/\\]_\w+\.py$"
)
# A thread whose innermost frame is there lets others run meanwhile.
_WAITING = re.compile(r"[/\\](?:threading|selectors|queue|socket|subprocess|_timers)\.py$")


@dataclass(frozen=True)
class Frame:
    """One frame of a stack, and the source line, where the log has it."""

    file: str
    line: int
    function: str
    code: str = ""

    @property
    def standard(self) -> bool:
        """Whether it is of the standard library."""
        return bool(_STANDARD.search(self.file) or _STANDARD_FUNCTION.match(self.function))

    @property
    def library(self) -> bool:
        """Whether it is of an installed package."""
        return bool(_LIBRARY.search(self.file))

    @property
    def waits(self) -> bool:
        """Whether a thread waits there, rather than computes."""
        return bool(_WAITING.search(self.file))

    def __str__(self) -> str:
        """Write it in one line: `/app/worker.py:7 in run`."""
        name = f" in {self.function}" if self.function else ""
        return f"{self.file}:{self.line}{name}"


@dataclass(frozen=True)
class Stack:
    """Frames, innermost last, and what was said of them: an exception, or why they were written."""

    reason: str
    frames: Sequence[Frame] = ()

    @property
    def where(self) -> str | None:
        """The innermost frame of one's own code, else of a package, else of the library."""
        return next((str(frame) for own in _OWN for frame in self.frames[::-1] if own(frame)), None)

    def shortened(self) -> list[str]:
        """Write the innermost frames of one's own code and the innermost of all."""
        if not self.frames:
            return []
        place = self.where
        own = max(n for n, each in enumerate(self.frames) if str(each) == place)
        last = len(self.frames) - 1
        shown = sorted({max(own - 1, 0), own, last})
        lines = ["..."] if shown[0] else []
        for before, at in zip([shown[0], *shown], shown, strict=False):
            lines += ["..."] if at - before > 1 else []
            frame = self.frames[at]
            lines += [str(frame)] + ([f"  {frame.code}"] if frame.code else [])
        return lines


_OWN: tuple[Callable[[Frame], bool], ...] = (
    lambda frame: not frame.standard and not frame.library,
    lambda frame: not frame.standard,
    lambda _: True,
)


def ungrouped(line: str) -> str:
    """Take away what Python draws before the lines of an exception group."""
    return _GROUP.sub("", line, count=1) if line.lstrip()[:1] in {"|", "+"} else line


def frame_of(line: str) -> Frame | None:
    """Read a line of a stack."""
    for pattern in (_PYTHON, _AT, _NATIVE_AT, _BARE_AT, _GO):
        if found := pattern.fullmatch(line):
            groups = found.groupdict()
            # Of a mistake of syntax Python names the file and the line only.
            name = (groups.get("function") or "").strip()
            return Frame(groups["file"], int(groups["line"] or 0), name)
    return None


def frames_from(lines: Sequence[str], start: int) -> tuple[list[Frame], int]:
    """Read the frames from that line on; return them as they stand, and the line after them."""
    frames: list[Frame] = []
    at = start
    while at < len(lines):
        line = ungrouped(lines[at])
        if frame := frame_of(line):
            frames.append(frame)
        elif frames and not frames[-1].code and line[:2].isspace() and line.strip(" ~^"):
            last = frames[-1]
            frames[-1] = Frame(last.file, last.line, last.function, line.strip())
        elif not (line.strip() == "..." or (frames and line[:2].isspace())):
            break
        at += 1
    return frames, at

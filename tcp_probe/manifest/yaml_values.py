"""The values of YAML, as Kubernetes reads it, with the lines they stand on.

Built from the parser's events rather than by PyYAML's own constructor: so depth and size are
bounded before anything grows, an alias costs nothing, and scalars mean what they mean to kubectl,
to which `1:30` and a date are text, and `y` is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import inf, nan
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

# The line of a value, alone or with those of what is in it.
Lines = Any
# libyaml, where PyYAML has it, is some ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_DEPTH = 100
MOST_VALUES = 2_000_000
# What aliases stand for is looked at again wherever they are used.
MOST_REPEATED = 100_000

_STARTS = {yaml.MappingStartEvent, yaml.SequenceStartEvent}
_ENDS = {yaml.MappingEndEvent, yaml.SequenceEndEvent}
_CORE = "tag:yaml.org,2002:"
_COLLECTIONS = {None, "!", f"{_CORE}map", f"{_CORE}seq"}
_TEXTS = {"!", f"{_CORE}str", f"{_CORE}binary", f"{_CORE}timestamp"}
_TYPES: dict[str, tuple[type, ...]] = {
    f"{_CORE}int": (int,),
    f"{_CORE}float": (float, int),
    f"{_CORE}bool": (bool,),
    f"{_CORE}null": (type(None),),
}
_WORDS = {
    word: value
    for words, value in (
        (" ~ null Null NULL", None),
        ("y Y yes Yes YES true True TRUE on On ON", True),
        ("n N no No NO false False FALSE off Off OFF", False),
        (".inf .Inf .INF +.inf +.Inf +.INF", inf),
        ("-.inf -.Inf -.INF", -inf),
        (".nan .NaN .NAN", nan),
    )
    for word in words.split(" ")
}
_WHOLE = re.compile(r"([-+]?)(0[xX]|0[oO]|0[bB]|0)?([0-9a-fA-F]+)")
_BASES = {"": 10, "0": 8, "0x": 16, "0o": 8, "0b": 2}
_BROKEN = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# No number of a manifest has more digits, and more would take long to read.
_DIGITS = 40


class Unreadable(Exception):  # noqa: N818 (as BadInput: the user's to mend, and no fault of ours)
    """It is YAML, but nothing that a manifest can be; the text says why."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        super().__init__(problem)


@dataclass
class _Open:
    """A mapping or a list that has not ended yet."""

    value: Any
    inner: Any
    line: int
    anchor: str | None
    size: int = 1
    # The name that waits for its value, and the line it stands on.
    name: str | None = None
    name_line: int = 0
    merged: list[tuple[dict[str, Any], dict[str, Lines]]] = field(default_factory=list)


@dataclass
class _Value:
    """A value, the lines of it, and how many values it stands for."""

    value: Any
    lines: Lines
    size: int


def values(text: str) -> Iterator[tuple[Any, Lines]]:
    """Yield the value of each document, and its lines.

    Raises `Unreadable` or `yaml.YAMLError`.
    """
    builder = _Builder()
    for event in yaml.parse(text, _LOADER):
        done = builder.take(event)
        if done:
            yield done.value, done.lines


class _Builder:
    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, _Value | None] = {}
        self._count = 0
        self._repeated = 0

    def take(self, event: Any) -> _Value | None:
        """Take the next event; return the document that it completes."""
        line = event.start_mark.line + 1
        kind = type(event)
        if kind is yaml.ScalarEvent:
            value = _scalar(event, line)
            return self._add(_Value(value, line, 1), line, event.anchor, event.value)
        if kind in _STARTS:
            self._begin(event, line)
        elif kind in _ENDS:
            return self._end()
        elif kind is yaml.AliasEvent:
            return self._add(self._aliased(event.anchor, line), line, None, "")
        elif kind is yaml.DocumentStartEvent:
            self._anchors.clear()
        return None

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        if event.tag not in _COLLECTIONS:
            raise Unreadable(line, f"expected no tag, got {event.tag!r}")
        if len(self._open) >= MOST_DEPTH:
            raise Unreadable(line, f"expected at most {MOST_DEPTH} levels of nesting, got more")
        top = self._open[-1] if self._open else None
        if top and isinstance(top.value, dict) and top.name is None:
            given = "a mapping" if isinstance(event, yaml.MappingStartEvent) else "a list"
            raise Unreadable(line, f"expected text as the name of a field, got {given}")
        if event.anchor:
            # Until its end there is nothing that an alias could stand for.
            self._anchors[event.anchor] = None
        kind = dict if isinstance(event, yaml.MappingStartEvent) else list
        self._open.append(_Open(kind(), kind(), line, event.anchor))

    def _end(self) -> _Value | None:
        done = self._open.pop()
        for merged, lines in done.merged:
            for name in merged.keys() - done.value.keys():
                done.value[name] = merged[name]
                done.inner[name] = lines[name]
        value = _Value(done.value, (done.line, done.inner), done.size)
        return self._add(value, done.line, done.anchor, None)

    def _aliased(self, anchor: Any, line: int) -> _Value:
        if anchor not in self._anchors:
            raise Unreadable(line, f"expected an anchor &{anchor} before the alias *{anchor}")
        value = self._anchors[anchor]
        if value is None:
            raise Unreadable(line, f"expected no alias *{anchor} inside what it stands for")
        self._repeated += value.size
        if self._repeated > MOST_REPEATED:
            problem = f"expected aliases to stand for at most {MOST_REPEATED:,} values, got more"
            raise Unreadable(line, problem)
        return value

    def _add(self, new: _Value, line: int, anchor: str | None, text: str | None) -> _Value | None:
        """Put a value into what it is in; `text` is that of a scalar as it is written."""
        self._count += 1
        if self._count > MOST_VALUES:
            raise Unreadable(line, f"expected at most {MOST_VALUES:,} values in one file, got more")
        if anchor:
            self._anchors[anchor] = new
        if not self._open:
            return new
        top = self._open[-1]
        top.size += new.size
        if isinstance(top.value, list):
            top.value.append(new.value)
            top.inner.append((line, new.lines[1]) if isinstance(new.lines, tuple) else line)
        elif top.name is None:
            top.name, top.name_line = _name(new.value, text, line), line
        else:
            self._fill_in(top, new, line)
        return None

    def _fill_in(self, top: _Open, new: _Value, line: int) -> None:
        name, top.name = top.name, None
        if name == "<<":
            merged = new.value if isinstance(new.value, list) else [new.value]
            lines = new.lines[1] if isinstance(new.value, list) else [new.lines]
            if not all(isinstance(each, dict) for each in merged):
                raise Unreadable(line, "expected a mapping to merge, got something else")
            top.merged += [(each, inner[1]) for each, inner in zip(merged, lines, strict=True)]
            return
        if name in top.value:
            raise Unreadable(top.name_line, f"{name!r} is given twice")
        nested = isinstance(new.lines, tuple)
        top.value[name] = new.value
        top.inner[name] = (top.name_line, new.lines[1]) if nested else top.name_line


def _name(value: Any, text: str | None, line: int) -> str:
    """Return a field's name; kubectl makes text of a number or a truth value, too."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(text or value)
    raise Unreadable(line, "expected text as the name of a field, got nothing")


def _scalar(event: yaml.ScalarEvent, line: int) -> Any:
    text: str = event.value
    if event.tag is None:
        return _plain(text) if event.implicit[0] else text
    if event.tag in _TEXTS:
        return text
    if event.tag not in _TYPES:
        raise Unreadable(line, f"expected no tag, got {event.tag!r}")
    value = _plain(text)
    if not isinstance(value, _TYPES[event.tag]):
        raise Unreadable(line, f"expected {event.tag.removeprefix(_CORE)}, got {text[:_DIGITS]!r}")
    return value


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > _DIGITS:
        return text
    plain = text.replace("_", "")
    whole = _WHOLE.fullmatch(plain)
    if whole:
        sign, prefix, digits = whole.groups(default="")
        try:
            return int(sign + digits, _BASES[prefix.lower()])
        except ValueError:
            pass
    if not _BROKEN.fullmatch(plain):
        return text
    broken = float(plain)
    # In JSON, which is what the API server gets, 1.0 is 1.
    return int(broken) if broken.is_integer() else broken

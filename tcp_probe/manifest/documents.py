from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, BinaryIO

import yaml

from tcp_probe._bad_input import BadInput

from .printable import printable
from .yaml_values import Unreadable, values

if TYPE_CHECKING:
    from .yaml_values import Lines

Path = tuple[str | int, ...]
# Kubernetes takes no resource of more than 3 MiB; this is room for thousands of common ones.
MOST_BYTES = 64 * 2**20
MOST_TOLD = 1000
TEMPLATE = re.compile(r"\{\{[^{}\n]{0,200}\}\}")
RENDER = "render it first, as in: helm template CHART | python -m tcp_probe explain -"


class ManifestError(BadInput):
    """The manifest cannot be used. The message says where, what was expected and what was given.

    `field` is the path of the field that is wrong, where it is one.

    >>> raise ManifestError("worker.yaml", 12, "expected a list, got 3", "spec.containers")
    """

    def __init__(self, source: str, line: int | None, problem: str, field: str = "") -> None:
        self.source = source
        self.line = line
        self.problem = problem = printable(problem, MOST_TOLD)
        self.field = field
        where = source if line is None else f"{source}:{line}"
        super().__init__(f"{where}: {printable(field)}{': ' if field else ''}{problem}")


@dataclass(frozen=True)
class Document:
    """One document of a file as plain values, and the line on which each of its fields stands."""

    source: str
    value: Any
    lines: Lines = field(repr=False)

    def line(self, path: Path) -> int:
        """Return the line of a field."""
        lines = self.lines
        for part in path:
            lines = lines[1][part]
        return lines if isinstance(lines, int) else lines[0]


def read(source: str) -> list[Document]:
    """Read the documents of a YAML or JSON file; `-` stands for the standard input.

    Raises `ManifestError` where there is no such file, where it is neither YAML nor JSON, or where
    it is larger than any that is meant.
    """
    name = "<stdin>" if source == "-" else source
    text = _text(name, _bytes(name, source))
    try:
        return [Document(name, value, lines) for value, lines in values(text)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = f"expected YAML or JSON, but: {error.problem}"
        if mark and _begins_with_a_tab(text, mark.line):
            problem = "expected spaces before what stands there, got a tab: YAML takes none"
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"expected YAML or JSON, but: {error.reason}"
    except Unreadable as error:
        line, problem = error.line, str(error)
    template = TEMPLATE.search(text)
    if template:
        line = text.count("\n", 0, template.start()) + 1
        problem = f"expected YAML, got a template with {template.group()}: {RENDER}"
    raise ManifestError(name, line, problem)


def _begins_with_a_tab(text: str, index: int) -> bool:
    line = "".join(text.splitlines()[index : index + 1])
    return "\t" in line[: -len(line.lstrip())]


def _bytes(name: str, source: str) -> bytes:
    try:
        if source == "-":
            if sys.stdin is None:
                raise ManifestError(name, None, "expected a readable file, but: is closed")
            data = _at_most(sys.stdin.buffer)
        else:
            with FilePath(source).open("rb") as file:
                data = _at_most(file)
    except (OSError, ValueError) as error:
        # A ValueError tells of a name that no file can have.
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ManifestError(name, None, f"expected a readable file, but: {reason}") from None
    if len(data) > MOST_BYTES:
        raise ManifestError(name, None, f"expected at most {MOST_BYTES >> 20} MiB, got more")
    return data


def _at_most(file: BinaryIO) -> bytes:
    """Read no more than what is too much; a read of so much at once would take it all at once."""
    data = bytearray()
    while len(data) <= MOST_BYTES and (more := file.read(2**20)):
        data += more
    return bytes(data)


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(name, line, "expected UTF-8 text, got other bytes") from None

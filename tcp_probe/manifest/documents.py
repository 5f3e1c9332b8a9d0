from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from tcp_probe._bad_input import BadInput

Path = tuple[str | int, ...]


class ManifestError(BadInput):
    """The manifest cannot be used. The message says where, what was expected and what was given.

    >>> raise ManifestError("worker.yaml", 12, "spec.containers: expected a list, got 3")
    """

    def __init__(self, source: str, line: int | None, problem: str) -> None:
        self.source = source
        self.line = line
        self.problem = problem
        where = source if line is None else f"{source}:{line}"
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True)
class Document:
    """One document of a file as plain values, and the line on which each of its fields stands."""

    source: str
    value: Any
    lines: dict[Path, int] = field(repr=False)

    def line(self, path: Path) -> int:
        """Return the line of a field."""
        return self.lines[path]


class _Loader(yaml.SafeLoader):
    """Reads YAML as Kubernetes does, to which a date is a string."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and kind of attribute
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read(source: str) -> list[Document]:
    """Read the documents of a YAML or JSON file; `-` stands for the standard input.

    Raises `ManifestError` where there is no such file, or where it is neither YAML nor JSON.
    """
    name = "<stdin>" if source == "-" else source
    try:
        data = sys.stdin.buffer.read() if source == "-" else FilePath(source).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ManifestError(name, None, f"expected a readable file, but: {reason}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(name, line, "expected UTF-8 text, got other bytes") from None
    try:
        return _documents(name, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ManifestError(name, line, f"expected YAML or JSON, but: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ManifestError(name, line, f"expected YAML or JSON, but: {error.reason}") from None
    except RecursionError:
        raise ManifestError(
            name, None, "expected less nesting; is an alias inside itself?"
        ) from None


def _documents(name: str, text: str) -> list[Document]:
    constructor = _Loader("")
    documents = []
    for node in yaml.compose_all(text, _Loader):
        lines: dict[Path, int] = {(): node.start_mark.line + 1}
        documents.append(Document(name, _plain(constructor, node, (), lines), lines))
    return documents


def _plain(loader: _Loader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            lines[(*path, index)] = item.start_mark.line + 1
            items.append(_plain(loader, item, (*path, index), lines))
        return items
    try:
        return loader.construct_object(node)
    except ValueError as error:
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from None


def _mapping(
    loader: _Loader, node: yaml.MappingNode, path: Path, lines: dict[Path, int]
) -> dict[str, Any]:
    given = [key_node.value for key_node, _ in node.value]
    for index, (key_node, _) in enumerate(node.value):
        if key_node.value in given[:index]:
            problem = f"{key_node.value!r} is given twice"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
    loader.flatten_mapping(node)
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            problem = f"expected text as the name of a field, got {key!r}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        lines[(*path, key)] = key_node.start_mark.line + 1
        values[key] = _plain(loader, value_node, (*path, key), lines)
    return values

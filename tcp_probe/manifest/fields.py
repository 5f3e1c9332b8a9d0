from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from .documents import Document, ManifestError, Path

if TYPE_CHECKING:
    from collections.abc import Sequence

AnyText = TypeVar("AnyText", bound=str)
# The largest number that a field of type int32 can hold.
MOST = 2**31 - 1
NOTHING = object()
MOST_SHOWN = 60
# No list of a pod is longer; some are compared with each other.
MOST_ITEMS = 2000


class Field:
    """A field of a document that knows where it stands, and complains there."""

    def __init__(self, document: Document, path: Path = (), value: Any = NOTHING) -> None:
        self.document = document
        self.path = path
        self.value = document.value if value is NOTHING else value

    def __str__(self) -> str:
        """Write the path as in `spec.containers[0].name`."""
        return dotted(self.path)

    @property
    def line(self) -> int:
        """The line on which the field stands."""
        return self.document.line(self.path)

    def fail(self, problem: str) -> NoReturn:
        """Raise `ManifestError` with the place of this field."""
        raise ManifestError(self.document.source, self.line, problem, str(self))

    def get(self, name: str) -> Field | None:
        """Get a field of this mapping; None where it is absent or null."""
        value = self.mapping().get(name)
        return None if value is None else Field(self.document, (*self.path, name), value)

    def need(self, name: str) -> Field:
        """Get a field of this mapping that has to be there."""
        return self.get(name) or self.fail(f"expected a field {name!r}, which is missing")

    def find(self, *names: str) -> Field | None:
        """Get a field some levels down; None where any of them is absent."""
        field: Field | None = self
        for name in names:
            field = field and field.get(name)
        return field

    def mapping(self) -> dict[str, Any]:
        """Return the value, which has to be a mapping."""
        if not isinstance(self.value, dict):
            self.fail(f"expected a mapping, got {shown(self.value)}")
        return self.value

    def items_of(self, name: str, most: int = MOST_ITEMS) -> list[Field]:
        """Return the items of a list in this mapping; none where it is absent or null."""
        field = self.get(name)
        return field.items(most) if field else []

    def items(self, most: int = MOST_ITEMS) -> list[Field]:
        """Return the items of the value, which has to be a list of at most so many."""
        if not isinstance(self.value, list):
            self.fail(f"expected a list, got {shown(self.value)}")
        if len(self.value) > most:
            self.fail(f"expected at most {most:,} items, got {len(self.value):,}")
        return [
            Field(self.document, (*self.path, index), item) for index, item in enumerate(self.value)
        ]

    def text(self) -> str:
        """Return the value, which has to be text."""
        if not isinstance(self.value, str):
            self.fail(f"expected text, got {shown(self.value)}")
        return self.value

    def one_of(self, values: Sequence[AnyText]) -> AnyText:
        """Return the value, which has to be one of these."""
        for value in values:
            if self.value == value:
                return value
        return self.fail(f"expected {' or '.join(values)}, got {shown(self.value)}")

    def texts(self) -> tuple[str, ...]:
        """Return the value, which has to be a list of texts."""
        return tuple(item.text() for item in self.items())

    def flag(self) -> bool:
        """Return the value, which has to be true or false."""
        if not isinstance(self.value, bool):
            self.fail(f"expected true or false, got {shown(self.value)}")
        return self.value

    def number(self, least: int, most: int) -> int:
        """Return the value, which has to be a whole number within these limits."""
        whole = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not whole or not least <= self.value <= most:
            expected = f"expected a whole number from {least} to {most}"
            self.fail(f"{expected}, got {shown(self.value)}")
        return int(self.value)


def dotted(path: Path) -> str:
    """Write a path as in `spec.containers[0].name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def shown(value: Any) -> str:
    """Say what a value is, as briefly as a message bears."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."

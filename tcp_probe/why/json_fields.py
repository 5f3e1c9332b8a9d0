"""Read fields of JSON that may be anything: what is absent or of another type is empty."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

# A container that never ran has a start in 1970, and Go writes no time at all as that of year 1.
_SOONEST, _LATEST = 1970, 9000
_DIGITS_OF_A_SECOND = 6
_MOST = 2**31 - 1


def find(value: Any, *path: str) -> Any:
    """Get what stands some levels down; None where there is no such field."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def mapping(value: Any, *path: str) -> dict[str, Any]:
    """Get a mapping."""
    found = find(value, *path)
    return found if isinstance(found, dict) else {}


def entries(value: Any, *path: str) -> list[dict[str, Any]]:
    """Get the mappings of a list."""
    found = find(value, *path)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def texts(value: Any, *path: str) -> tuple[str, ...]:
    """Get the texts of a list."""
    found = find(value, *path)
    return tuple(text for text in found if isinstance(text, str)) if isinstance(found, list) else ()


def text(value: Any, *path: str) -> str:
    """Get a text."""
    found = find(value, *path)
    return found if isinstance(found, str) else ""


def number(value: Any, *path: str, default: int = 0) -> int:
    """Get a whole number of 32 bits; 0 stands for the default, as it does for kubelet."""
    found = find(value, *path)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) > _MOST:
        return default
    return found or default


def flag(value: Any, *path: str) -> bool | None:
    """Get true or false; None where neither stands there."""
    found = find(value, *path)
    return found if isinstance(found, bool) else None


def time(value: Any, *path: str) -> datetime | None:
    """Get a time, with or without fractions of a second; None for none, and for 1970 or year 1.

    >>> time({"at": "2026-11-24T08:53:08.875057Z"}, "at")
    datetime.datetime(2026, 11, 24, 8, 53, 8, 875057, tzinfo=datetime.timezone.utc)
    """
    given = text(value, *path).strip()
    if given[-1:] in {"Z", "z"}:
        given = given[:-1] + "+00:00"
    whole, dot, rest = given.partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        fraction = digits[:_DIGITS_OF_A_SECOND].ljust(_DIGITS_OF_A_SECOND, "0")
        given = f"{whole}.{fraction}{rest[len(digits) :]}"
    try:
        read = datetime.fromisoformat(given)
        read = read.replace(tzinfo=read.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return read if _SOONEST < read.year < _LATEST else None

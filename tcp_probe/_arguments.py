from __future__ import annotations

import os


def wrong_type(name: str, expected: str, value: object) -> TypeError:
    """Return the error that says what was expected and what was given."""
    return TypeError(f"{name}: expected {expected}, got {value!r} ({type(value).__name__})")


def whole_number(name: str, value: object, least: int, most: int) -> int:
    """Return `value` if it is an int from `least` to `most`; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "an int", value)
    if not least <= value <= most:
        raise ValueError(f"{name}: expected {least} to {most}, got {value}")
    return value


# Locks and sockets cannot wait for much longer; it is 31 years.
_MOST_SECONDS = 1e9


def seconds(name: str, value: object) -> float:
    """Return `value` as a float if it is a number of seconds above 0 that a clock can wait for."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type(name, "a number of seconds", value)
    if not 0 < value <= _MOST_SECONDS:
        raise ValueError(f"{name}: expected a number of seconds above 0, at most 1e9, got {value}")
    return float(value)


def path(name: str, value: object) -> str | None:
    """Return `value` as a text if it is the path of a file, or None for none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    raise wrong_type(name, "a path or None", value)

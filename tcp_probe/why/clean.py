"""Make foreign text fit to be shown: no terminal escapes, nothing of an environment's values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .json_fields import entries, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MASK = "***"
# Of a message the beginning tells.
_LONGEST = 600
# A shorter value is hardly a secret, and would be found in every second word.
_SHORTEST = 4
_HARMLESS = re.compile(
    r"[-+]?\d+(\.\d+)?(s|m|h|Mi|Gi)?|true|false|yes|no|none|on|off", re.IGNORECASE
)
_SECRETIVE = re.compile(r"key|token|secret|pass|pwd|cred|auth|dsn|salt|signature", re.IGNORECASE)
_WORD = re.compile(r"[a-z]{1,12}")
# What a secret that comes from elsewhere often looks like: in a URL, after its name, by itself.
_SHAPES = (
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{MASK}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key)"
            r"['\"]?\s*[=:]\s*['\"]?)(?!not\b|is\b)[^\s'\",;)]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(sk-|ghp_|github_pat_|xox[abp]-|AKIA|eyJ)[\w-]{12,}[\w.-]*"), MASK),
)


def plain(given: str) -> str:
    r"""Write what a terminal would obey as its escape (`\x1b`), except line ends.

    >>> plain("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    if given.isprintable():
        return given
    given = given.replace("\r\n", "\n").replace("\t", "    ")
    return "".join(
        each if each == "\n" or each.isprintable() else ascii(each)[1:-1] for each in given
    )


def cleaned(value: Any) -> Any:
    """Make every text of a JSON value plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if isinstance(value, dict):
        return {plain(key): cleaned(each) for key, each in value.items()}
    return value


def mask_of(pod: Any) -> Callable[[str], str]:
    """Make what hides the values of a pod's environment in a text, and bounds its length."""
    values = sorted(set(_values(pod)), key=len, reverse=True)
    hidden = re.compile("|".join(map(re.escape, values))) if values else None

    def mask(given: str) -> str:
        if hidden:
            given = hidden.sub(MASK, given)
        for shape, instead in _SHAPES:
            given = shape.sub(instead, given)
        return given if len(given) <= _LONGEST else f"{given[:_LONGEST]}..."

    return mask


def _values(pod: Any) -> Iterator[str]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for container in entries(pod, "spec", kind):
            for variable in entries(container, "env"):
                value = text(variable, "value").strip()
                if _may_be_secret(text(variable, "name"), value):
                    yield from {value, *value.splitlines()} - {""}


def _may_be_secret(name: str, value: str) -> bool:
    ordinary = _HARMLESS.fullmatch(value) or len(value) < _SHORTEST
    if _SECRETIVE.search(name):
        return not ordinary
    # A path or a plain word stands in file names and messages for reasons of its own.
    return not (ordinary or _WORD.fullmatch(value) or value.startswith(("/", "./")))

"""Make foreign text fit to be shown: no terminal escapes, nothing of an environment's values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcp_probe.diagnosis.plain import plain

from .given_secrets import HARMLESS, SHORTEST, given_secrets, is_secret
from .json_fields import entries, mapping, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MASK = "***"
# Of a message the beginning tells.
_LONGEST = 600
_SECRETIVE = re.compile(r"key|token|secret|pass|pwd|cred|auth|dsn|salt|signature", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_LONG_WORD = 8
_SHORT_WORD = re.compile(rf"[a-z]{{1,{_LONG_WORD - 1}}}|\d{{1,{_LONG_WORD - 1}}}")
_ORDINARY = {
    "production",
    "development",
    "container",
    "liveness",
    "readiness",
    "kubernetes",
    "localhost",
    "critical",
    "disabled",
    "postgres",
    "rabbitmq",
}
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


def cleaned(value: Any) -> Any:
    """Make every text of a JSON value plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if isinstance(value, dict):
        return {plain(key): cleaned(each) for key, each in value.items()}
    return value


@dataclass(frozen=True)
class Mask:
    """Hides the values of a pod's environment in a text, and bounds its length.

    `stack` does so in a frame, where a path is the very thing that is to be read.
    """

    text: Callable[[str], str]
    stack: Callable[[str], str]


def mask_of(pod: Any) -> Mask:
    """Make what hides the values of a pod's environment, wherever they turn up."""
    values = set(_values(pod)) - _names(pod)
    return Mask(_hiding(values), _hiding({each for each in values if not _is_path(each)}))


def _hiding(values: Iterable[str]) -> Callable[[str], str]:
    longest_first = sorted(values, key=len, reverse=True)
    hidden = re.compile("|".join(map(_where_alone, longest_first))) if longest_first else None

    def hide(given: str) -> str:
        if hidden:
            given = hidden.sub(MASK, given)
        for shape, instead in _SHAPES:
            given = shape.sub(instead, given)
        return given if len(given) <= _LONGEST else f"{given[:_LONGEST]}..."

    return hide


def _where_alone(value: str) -> str:
    """Find a value; one that is a short word or number not in the midst of a longer one."""
    escaped = re.escape(value)
    return rf"(?<![^\W_]){escaped}(?![^\W_])" if _SHORT_WORD.fullmatch(value) else escaped


def _containers(pod: Any) -> Iterator[Any]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from entries(pod, "spec", kind)


def _values(pod: Any) -> Iterator[str]:
    for container in _containers(pod):
        for variable in entries(container, "env"):
            name, value = text(variable, "name"), text(variable, "value").strip()
            for part in (value, *value.splitlines()):
                if _may_be_secret(name, part.strip()):
                    yield part.strip()
        yield from given_secrets(container)


def _names(pod: Any) -> set[str]:
    """Return what the pod is called by in what we say ourselves."""
    meta = mapping(pod, "metadata")
    named = [text(meta, "name"), text(meta, "namespace")]
    named += [text(each, "name") for each in _containers(pod)]
    named += [text(each, "image") for each in _containers(pod)]
    return set(named)


def _may_be_secret(name: str, value: str) -> bool:
    if len(value) < SHORTEST:
        return False
    if is_secret(name, value):
        return True
    if HARMLESS.fullmatch(value):
        return False
    if _SECRETIVE.search(name):
        return True
    # Short words and paths stand in messages for reasons of their own.
    if _WORD.fullmatch(value) or value.startswith(("/", "./")):
        return len(value) >= _LONG_WORD and value not in _ORDINARY
    return True


def _is_path(value: str) -> bool:
    return value.startswith(("/", "./"))

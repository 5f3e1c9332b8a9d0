from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .fields import Field

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """Something about a manifest that is worth a change, and which."""

    rule: str
    level: Level
    field: str
    line: int
    reason: str
    fix: str

    @classmethod
    def at(cls, field: Field, rule: str, level: Level, reason: str, fix: str) -> Finding:
        """Make a finding about this field."""
        return cls(rule, level, str(field), field.line, reason, fix)

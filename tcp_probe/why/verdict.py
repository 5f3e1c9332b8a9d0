from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from .words import iso

if TYPE_CHECKING:
    from datetime import datetime

    from tcp_probe.kubelet.recognise import Check

    from .clean import Mask

Cause = Literal[
    "liveness",
    "startup",
    "readiness",
    "probe",
    "exit",
    "completed",
    "signal",
    "oom",
    "image",
    "config",
    "volume",
    "start",
    "hook",
    "unschedulable",
    "evicted",
    "deleted",
    "deadline",
    "node",
    "none",
    "unknown",
]
CAUSES: tuple[Cause, ...] = get_args(Cause)
Certainty = Literal["certain", "likely", "possible"]


@dataclass(frozen=True)
class Verdict:
    """Why a container, or a pod, is as it is.

    `certainty` is `certain` where two independent sources agree or the API states it, `likely`
    where one source says so, `possible` where it is what remains. Each line of `evidence` begins
    with its source: `pod`, `event`, `log` or `spec`. `where` is the innermost frame of the
    worker's own code, or the last line of what it died of.
    """

    cause: Cause
    certainty: Certainty
    summary: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    check: Check | None = None
    container: str | None = None
    restarts: int = 0
    last: datetime | None = None
    rehearse: str | None = None
    where: str | None = None
    stack: tuple[str, ...] = ()

    def masked(self, mask: Mask) -> Verdict:
        """Return it with every text of it masked."""
        place = mask.stack if self.stack else mask.text
        return replace(
            self,
            summary=mask.text(self.summary),
            evidence=tuple(mask.text(line) for line in self.evidence),
            fix=mask.text(self.fix),
            where=place(self.where) if self.where else None,
            stack=tuple(mask.stack(line) for line in self.stack),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed as JSON."""
        stack = ("log: the stack, innermost last:\n" + "\n".join(self.stack),) if self.stack else ()
        return {
            "container": self.container,
            "cause": self.cause,
            "check": self.check,
            "certainty": self.certainty,
            "summary": self.summary,
            "evidence": [*self.evidence, *stack],
            "fix": self.fix,
            "restarts": self.restarts,
            "last": iso(self.last),
            "rehearse": self.rehearse,
        }

"""The same cause, check and place, counted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tcp_probe.kubelet.recognise import Check

    from .reading import Judged
    from .verdict import Cause, Verdict

Key = tuple["Cause", "Check | None", "str | None"]


@dataclass
class Group:
    """One finding of many pods; `example` is the first of them."""

    cause: Cause
    check: Check | None
    where: str | None
    example: Judged
    pods: int = 0
    restarts: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed as JSON."""
        return {
            "cause": self.cause,
            "check": self.check,
            "where": self.where,
            "pods": self.pods,
            "restarts": self.restarts,
            "example": f"{self.example.namespace}/{self.example.name}",
        }


def grouped(pods: Iterable[Judged]) -> list[Group]:
    """Return the findings, largest first; pods that are well are none.

    Of many pods the logs of some are read. Where those of a workload that died of the same agree
    on the place, it is that of the others, too.
    """
    pods = list(pods)
    places: dict[tuple[Any, ...], set[str]] = {}
    for pod, verdict in _wrong(pods):
        if verdict.where:
            places.setdefault(_alike(pod, verdict), set()).add(verdict.where)
    groups: dict[Key, Group] = {}
    seen: dict[Key, set[int]] = {}
    for pod, verdict in _wrong(pods):
        known = places.get(_alike(pod, verdict), set())
        where = verdict.where or (next(iter(known)) if len(known) == 1 else _place(verdict))
        key = (verdict.cause, verdict.check, where)
        group = groups.setdefault(key, Group(*key, example=pod))
        group.restarts += verdict.restarts
        seen.setdefault(key, set()).add(id(pod))
    for key, group in groups.items():
        group.pods = len(seen[key])
    return sorted(groups.values(), key=lambda group: (-group.pods, -group.restarts))


def _place(verdict: Verdict) -> str | None:
    """Return what tells apart what has no stack: which image, which Secret, which resource."""
    told = verdict.cause in {"image", "config", "volume", "start", "unschedulable", "probe", "exit"}
    return verdict.summary if told else None


def _wrong(pods: Iterable[Judged]) -> Iterable[tuple[Judged, Verdict]]:
    return ((pod, verdict) for pod in pods for verdict in pod.verdicts if verdict.cause != "none")


def _alike(pod: Judged, verdict: Verdict) -> tuple[Any, ...]:
    return pod.workload, verdict.container, verdict.cause, verdict.check

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tcp_probe.kubelet.back_off import RESET, latest_end

if TYPE_CHECKING:
    from tcp_probe.kubelet.versions import Rules
    from tcp_probe.manifest.finding import Finding
    from tcp_probe.manifest.pods import Choice, Resource

    from .timing import Figures, Span, Timing

FAULTS = ("refuses", "stands_still", "stalls")


@dataclass(frozen=True)
class ExplainedContainer:
    """What the probes of one container will do, in seconds, and what is wrong with them.

    `timing` is None where a field cannot be understood.
    """

    choice: Choice
    uses_tcp_probe: bool
    timing: Timing | None
    findings: tuple[Finding, ...]

    def faults(self) -> dict[str, Figures]:
        """Return the figures of each fault that is told of for such a worker."""
        timing = self.timing
        if timing is None:
            return {}
        stall = timing.stall().until(timing.stall_seen_late())
        figures = (timing.refusal(), timing.standstill(), stall)
        return dict(zip(FAULTS[: 3 if self.uses_tcp_probe else 2], figures, strict=False))

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        timing = self.timing
        choice = self.choice
        return {
            "kind": choice.kind,
            "name": choice.name,
            "namespace": choice.resource.namespace,
            "container": choice.container_name,
            "role": choice.role,
            "line": choice.container.line,
            "tcp_probe": self.uses_tcp_probe,
            "start": _plain(timing.start() if timing else None),
            **{name: asdict(figures) for name, figures in self.faults().items()},
            "ready_again": _plain(timing.ready_again() if timing else None),
            "grace": timing.grace if timing else None,
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass(frozen=True)
class ExplainedResource:
    """One workload: its containers, and what is wrong with it and its pod as a whole."""

    resource: Resource
    containers: tuple[ExplainedContainer, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Explanation:
    """What a whole manifest comes to. `passed_over` are the resources in which no pod is."""

    source: str
    rules: Rules
    explained: tuple[ExplainedResource, ...]
    passed_over: tuple[Resource, ...]

    @property
    def findings(self) -> list[Finding]:
        """All findings, of the workloads and of their containers."""
        found: list[Finding] = []
        for each in self.explained:
            found += each.findings
            for container in each.containers:
                found += container.findings
        return found

    @property
    def containers(self) -> list[ExplainedContainer]:
        """All containers."""
        return [container for each in self.explained for container in each.containers]

    def counts(self) -> dict[str, int]:
        """Count the findings of each level."""
        counts = Counter(finding.level for finding in self.findings)
        return {"errors": counts["error"], "warnings": counts["warning"], "infos": counts["info"]}

    def exit_status(self, *, strict: bool) -> int:
        """1 where an error was found, or, if `strict`, a warning; else 0."""
        counts = self.counts()
        return int(bool(counts["errors"] or (strict and counts["warnings"])))

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "manifest": self.source,
            "kubernetes": str(self.rules),
            "containers": [container.as_dict() for container in self.containers],
            "findings": [
                {"kind": each.resource.kind, "name": each.resource.name, **asdict(finding)}
                for each in self.explained
                for finding in each.findings
            ],
            "passed_over": [
                {"kind": each.kind, "name": each.name, "line": each.field.line}
                for each in self.passed_over
            ],
            "back_off": {
                "delays": back_off_delays(self.rules),
                "late_by_up_to": back_off_lateness(self.rules),
                "forgotten_after": RESET,
            },
            **self.counts(),
        }


def back_off_delays(rules: Rules) -> list[float]:
    """Return the delays of a container that ends again and again."""
    delays = [rules.first_delay]
    while delays[-1] < rules.longest_delay:
        delays.append(min(2 * delays[-1], rules.longest_delay))
    return delays


def back_off_lateness(rules: Rules) -> list[float]:
    """Return by how much each of these may be exceeded, as kubelet does not look all the time."""
    return [latest_end(delay, rules) - delay for delay in back_off_delays(rules)]


def _plain(span: Span | None) -> dict[str, float] | None:
    return asdict(span) if span else None

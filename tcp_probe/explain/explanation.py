from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tcp_probe.kubelet.back_off import FIRST, LIMIT, LOOK_AGAIN, RESET
from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.pods import choose, containers, missing_pod, resources
from tcp_probe.manifest.schema import check_fields
from tcp_probe.manifest.workload import workload

from .rules import Case, find
from .timing import Timing

if TYPE_CHECKING:
    from tcp_probe.manifest.finding import Finding
    from tcp_probe.manifest.pods import Choice

    from .timing import Figures, Span

FAULTS = ("refuses", "stands_still", "stalls")


@dataclass(frozen=True)
class Explanation:
    """What a manifest's probes will do, in seconds, and what is wrong with them.

    `timing` is None where a field has the wrong type.
    """

    choice: Choice
    name: str
    timing: Timing | None
    findings: list[Finding]

    @property
    def exit_status(self) -> int:
        """1 where something of level error was found, else 0."""
        return int(any(finding.level == "error" for finding in self.findings))

    def faults(self) -> dict[str, Figures]:
        """Return the figures of each fault."""
        timing = self.timing
        if timing is None:
            return {}
        stall = timing.stall().until(timing.stall_seen_late())
        return dict(zip(FAULTS, (timing.refusal(), timing.standstill(), stall), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        timing = self.timing
        return {
            "kind": self.choice.kind,
            "name": self.choice.name,
            "container": self.name,
            "start": _plain(timing.start() if timing else None),
            **{name: asdict(figures) for name, figures in self.faults().items()},
            "ready_again": _plain(timing.ready_again() if timing else None),
            "grace": timing.grace if timing else None,
            "back_off": {
                "delays": back_off_delays(),
                "late_by_up_to": LOOK_AGAIN[1],
                "forgotten_after": RESET,
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


def explain(
    source: str, container: str | None, backlog: int, stall_timeout: float, clean_end: float
) -> Explanation:
    """Explain the probes of one container of a manifest.

    Raises `ManifestError` where the manifest cannot be understood.
    """
    found = resources(source)
    choice = choose(containers(found) or missing_pod(source, found), container)
    findings = list(check_fields(choice.pod.need("spec"), "PodSpec"))
    name = choice.container.need("name").text()
    try:
        load = workload(choice)
    except ManifestError:
        if not any(finding.level == "error" for finding in findings):
            raise
        return Explanation(choice, name, None, findings)
    timing = Timing(load.container, load.handlers, backlog, stall_timeout)
    findings += find(Case(load, timing, clean_end))
    return Explanation(choice, name, timing, findings)


def back_off_delays() -> list[float]:
    """Return the delays of a container that ends again and again."""
    delays = [FIRST]
    while delays[-1] < LIMIT:
        delays.append(min(2 * delays[-1], LIMIT))
    return delays


def _plain(span: Span | None) -> dict[str, float] | None:
    return asdict(span) if span else None

from __future__ import annotations

from typing import TYPE_CHECKING

from .advice import advice
from .summary import Summary
from .timeline import Timeline

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.kubelet.state_machine import Kubelet
    from tcp_probe.kubelet.steps import Event, Outcome
    from tcp_probe.manifest.workload import Workload

    from .report import Report

HANDLERS = ("tcpSocket", "httpGet", "exec", "grpc")


class Story:
    """Takes note of what becomes of one container, and passes it on to the report.

    `kubelet` is set at the end. `shared` says that other containers are rehearsed beside it, from
    which it is to be told.
    """

    kubelet: Kubelet

    def __init__(self, workload: Workload, report: Report, *, shared: bool = False) -> None:
        choice = workload.choice
        self.role = choice.role
        self.container = workload.container.name
        self.summary = Summary(
            choice.name, _probes(workload), awaited=choice.role != "init container"
        )
        self.timeline = Timeline(workload.container)
        self._report = report
        self._shown_name = self.container if shared else ""

    @property
    def caption(self) -> str:
        """Say in a line how it was."""
        told = (line for line in self.summary.story() if not line.startswith(" "))
        return f"{self.container}: {', '.join(told)}"

    @property
    def advice(self) -> str | None:
        """The one thing to change, if any."""
        return advice(self.summary)

    def event(self, event: Event) -> None:
        """Take note of what kubelet did or saw."""
        if self.role == "init container" and event.reason in ("Ready", "NotReady"):
            # Nobody waits for one to become ready, only for its end.
            return
        self.summary.add(event)
        self.timeline.add(event)
        self._report.event(event, self._shown_name)

    def check(self, began: float, ended: float, kind: ProbeKind, outcome: Outcome) -> None:
        """Take note of a check."""
        self.summary.check(kind, outcome)
        self.timeline.check(began, ended, kind, outcome)

    def output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        """Take note of a line that the container has printed."""
        self.summary.output(line)
        self._report.output(line, is_error, self._shown_name)

    def remark(self, text: str) -> None:
        """Take note of why checks fail, as far as that can be seen from outside."""
        self.summary.remark(text)
        self._report.note(text)

    def end(self, kubelet: Kubelet, now: float) -> None:
        """Take note of how it stands at the end."""
        self.kubelet = kubelet
        self.summary.end(kubelet)
        self.timeline.close(now)


def _probes(workload: Workload) -> dict[ProbeKind, str]:
    probes: dict[ProbeKind, str] = {}
    for kind in workload.handlers:
        field = workload.choice.container.need(f"{kind}Probe")
        probes[kind] = next(name for name in HANDLERS if field.get(name))
    return probes

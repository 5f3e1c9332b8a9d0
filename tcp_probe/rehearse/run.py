from __future__ import annotations

import os
import shutil
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from tcp_probe._bad_input import BadInput
from tcp_probe.kubelet.handlers import Grpc
from tcp_probe.kubelet.unheeded import unheeded
from tcp_probe.kubelet.versions import Rules
from tcp_probe.manifest.environment import search_path

from .container_process import CommandError
from .picture import draw
from .rehearsal import Rehearsal
from .summary import Summary
from .timeline import Timeline
from .virtual import Simulation, init_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcp_probe.kubelet.state_machine import Kubelet
    from tcp_probe.kubelet.steps import Event
    from tcp_probe.manifest.workload import Workload

    from .report import Report
    from .worker_script import WorkerScript

AN_HOUR = 3600.0


def rehearse_virtually(  # noqa: PLR0913, PLR0917 - each is an option of the command
    workload: Workload,
    script: WorkerScript,
    report_type: type[Report],
    seconds: float | None,
    seed: int,
    picture: str | None = None,
    rules: Rules | None = None,
) -> int:
    """Simulate and print; return the exit status.

    Raises `BadInput` where the picture cannot be written.
    """
    until = AN_HOUR if seconds is None else seconds
    story = _Story(workload, picture)
    unread: list[bool] = []
    report = report_type(lambda: unread.append(True))
    _tell_unheeded(report, workload, rules)
    for name, takes in init_seconds(workload):
        if takes is None:
            report.note(f"init container {name}: how long it takes is not known, taken as 0 s")
    simulation = Simulation.of(
        workload, script, seed=seed, rules=rules, on_check=story.timeline.check
    )
    for event in simulation.run(until):
        story.add(event)
        report.event(event)
        if unread:
            break
    end = simulation.now if simulation.kubelet.finished else until
    return story.end(report, simulation.kubelet, end)


def rehearse_here(  # noqa: PLR0913, PLR0917 - each is an option of the command
    workload: Workload,
    command: Sequence[str],
    report_type: type[Report],
    seconds: float | None,
    seed: int,
    picture: str | None = None,
    rules: Rules | None = None,
) -> int:
    """Run the command, print what happens, and return the exit status.

    Raises `CommandError` where there is no command that can be run here, `BadInput` where the
    picture cannot be written.
    """
    if any(isinstance(handler, Grpc) for handler in workload.handlers.values()):
        raise CommandError("cannot check grpc here yet: give --virtual --worker SPEC")
    command = command or workload.command
    if not command:
        raise CommandError("expected a command after --: the manifest leaves it to the image")
    path = workload.env.get("PATH", search_path())
    if shutil.which(command[0], path=path) is None:
        raise CommandError(f"cannot run {command[0]!r} here: not found; give a command after --")
    story = _Story(workload, picture)

    def on_event(event: Event) -> None:
        story.add(event)
        report.event(event)

    def on_broken_pipe() -> None:
        rehearsal.stop()

    report = report_type(on_broken_pipe)
    _tell_unheeded(report, workload, rules)
    for name in workload.unresolved:
        state = "taken from this environment" if name in os.environ else "not set here"
        report.note(f"{name} is known to the cluster only: {state}")
    rehearsal = Rehearsal(
        workload,
        command,
        on_event,
        report.output,
        seed=seed,
        rules=rules,
        on_check=story.timeline.check,
    )
    end = anyio.run(rehearsal.run, inf if seconds is None else seconds)
    return story.end(report, rehearsal.kubelet, end)


def _tell_unheeded(report: Report, workload: Workload, rules: Rules | None) -> None:
    hooks = (workload.post_start, workload.pre_stop)
    for line in unheeded(workload.container, hooks, rules or Rules()):
        report.note(line)


class _Story:
    """What is kept of a rehearsal for its end: the summary, and the timeline for a picture."""

    def __init__(self, workload: Workload, picture: str | None) -> None:
        self.summary = Summary(workload.choice.name)
        self.timeline = Timeline(workload.container)
        self._title = f"{workload.choice.kind} {workload.choice.name}"
        self._picture = picture
        if picture:
            # What cannot be written later is better told before than after an hour.
            self._write(picture, "a", "")

    def add(self, event: Event) -> None:
        self.summary.add(event)
        self.timeline.add(event)

    def end(self, report: Report, kubelet: Kubelet, now: float) -> int:
        self.timeline.close(now)
        report.end(self.summary, self.timeline, kubelet, now)
        if self._picture:
            told = (line for line in self.summary.story() if not line.startswith(" "))
            caption = f"{self.timeline.name}: {', '.join(told)}"
            self._write(self._picture, "w", draw(self._title, [(caption, self.timeline)]))
        return self.summary.exit_status

    @staticmethod
    def _write(file: str, mode: str, text: str) -> None:
        try:
            with Path(file).open(mode, encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise BadInput(f"{file}: expected a file to write to, but: {reason}") from None

from __future__ import annotations

import os
import shutil
from math import inf
from typing import TYPE_CHECKING

import anyio

from tcp_probe.manifest.environment import search_path

from .container_process import CommandError
from .rehearsal import Rehearsal
from .summary import Summary
from .virtual import Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcp_probe.kubelet.steps import Event
    from tcp_probe.manifest.workload import Workload

    from .report import Report
    from .worker_script import WorkerScript

AN_HOUR = 3600.0


def rehearse_virtually(
    workload: Workload,
    script: WorkerScript,
    report_type: type[Report],
    seconds: float | None,
    seed: int,
) -> int:
    """Simulate and print; return the exit status."""
    until = AN_HOUR if seconds is None else seconds
    summary = Summary(workload.choice.name)
    unread: list[bool] = []
    report = report_type(lambda: unread.append(True))
    simulation = Simulation(
        workload.container,
        workload.handlers,
        script,
        ports=workload.ports,
        pre_stop=workload.pre_stop,
        seed=seed,
    )
    for event in simulation.run(until):
        summary.add(event)
        report.event(event)
        if unread:
            break
    end = simulation.now if simulation.kubelet.finished else until
    report.end(summary, simulation.kubelet, end)
    return summary.exit_status


def rehearse_here(
    workload: Workload,
    command: Sequence[str],
    report_type: type[Report],
    seconds: float | None,
    seed: int,
) -> int:
    """Run the command, print what happens, and return the exit status.

    Raises `CommandError` where there is no command that can be run here.
    """
    command = command or workload.command
    if not command:
        raise CommandError("expected a command after --: the manifest leaves it to the image")
    path = workload.env.get("PATH", search_path())
    if shutil.which(command[0], path=path) is None:
        raise CommandError(f"cannot run {command[0]!r} here: not found; give a command after --")
    summary = Summary(workload.choice.name)

    def on_event(event: Event) -> None:
        summary.add(event)
        report.event(event)

    def on_broken_pipe() -> None:
        rehearsal.stop()

    report = report_type(on_broken_pipe)
    for name in workload.unresolved:
        state = "taken from this environment" if name in os.environ else "not set here"
        report.note(f"{name} is known to the cluster only: {state}")
    rehearsal = Rehearsal(workload, command, on_event, report.output, seed=seed)
    end = anyio.run(rehearsal.run, inf if seconds is None else seconds)
    report.end(summary, rehearsal.kubelet, end)
    return summary.exit_status

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from tcp_probe._bad_input import BadInput
from tcp_probe.kubelet.handlers import Exec, Grpc
from tcp_probe.kubelet.state_machine import DEFAULT_SEED
from tcp_probe.kubelet.unheeded import unheeded
from tcp_probe.kubelet.versions import Rules
from tcp_probe.manifest.environment import search_path
from tcp_probe.manifest.workload import workload

from .assumed import assumed
from .container_environment import of_the_pod
from .container_process import CommandError
from .container_run import NODES_OWN, Part
from .dialled import refused_by_node
from .grpc_check import need_grpc
from .passed_over import passed_over
from .picture import draw
from .pod_address import LOOPBACK, connects, is_taken, pod_address
from .rehearsal import Rehearsal
from .story import Story
from .virtual import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tcp_probe.manifest.pods import Choice
    from tcp_probe.manifest.workload import Workload

    from .report import Report
    from .worker_script import WorkerScript

AN_HOUR = 3600.0
FREE_IT = "end it, or give the worker and its probe another port"


@dataclass(frozen=True)
class Options:
    """How to rehearse: for how long (None: as long as it takes), on which kubelet, what to write.

    `seconds` defaults to an hour of a simulation. `picture` names the file of the picture.
    """

    report: type[Report]
    seconds: float | None = None
    seed: int = DEFAULT_SEED
    rules: Rules = field(default_factory=Rules)
    picture: str | None = None


def rehearse_virtually(workload: Workload, script: WorkerScript, options: Options) -> int:
    """Simulate and print; return the exit status.

    Raises `BadInput` where the picture cannot be written or a probe asks the node in place of the
    pod, `OSError` where the output cannot be written.
    """
    for kind in workload.handlers:
        if refused_by_node(workload, kind):
            raise BadInput(NODES_OWN.format(kind=kind))
    until = AN_HOUR if options.seconds is None else options.seconds
    report = options.report(lambda: None)
    story = Story(workload, report)
    _check_picture(options)
    passed = passed_over(workload, [workload], virtual=True)
    for line in (*passed, *_unheeded(workload, options), *assumed(workload, script)):
        report.note(line)
    simulation = Simulation.of(
        workload, script, seed=options.seed, rules=options.rules, on_check=story.check
    )
    for event in simulation.run(until):
        story.event(event)
        if report.unwritten:
            break
    end = simulation.now if simulation.kubelet.finished else until
    story.summary.hangs_at_end = simulation.hangs(end)
    story.end(simulation.kubelet, end)
    return _finish([story], workload, report, options, end)


def rehearse_here(workloads: Sequence[Workload], command: Sequence[str], options: Options) -> int:
    """Run the containers of a pod, print what happens, and return the exit status.

    The first workload is the chosen one, for which `command`, if there is one, stands in for its
    own. The others are those of its pod, in the order of the manifest, if all are to be run.

    Raises `CommandError` where there is no command that can be run here, `BadInput` where the
    picture cannot be written, a port is taken, or a package is missing, and `OSError` where the
    output cannot be written.
    """
    chosen, *all_of_pod = workloads
    parts = all_of_pod or [chosen]
    address = pod_address() or LOOPBACK
    commands = [_command(each, command if each == chosen else (), address) for each in parts]
    _check_ports(parts, address)
    _check_picture(options)

    def on_unwritten() -> None:
        rehearsal.stop()

    report = options.report(on_unwritten)
    stories = [Story(each, report, shared=len(parts) > 1) for each in parts]
    rehearsal = Rehearsal(
        [Part(*each) for each in zip(parts, commands, stories, strict=True)],
        address=address,
        seed=options.seed,
        rules=options.rules,
    )
    told = [line for part in parts for line in _unheeded(part, options)]
    for line in (*passed_over(chosen, parts, virtual=False), *told):
        report.note(line)
    if address == LOOPBACK:
        report.note(
            "this machine has no address but 127.0.0.1: whether a worker listens there "
            "alone, where kubelet does not reach it, is not checked"
        )
    end = anyio.run(rehearsal.run, inf if options.seconds is None else options.seconds)
    for story, run in zip(stories, rehearsal.runs, strict=True):
        story.end(run.kubelet, end)
    return _finish(stories, chosen, report, options, end)


def _unheeded(workload: Workload, options: Options) -> Iterable[str]:
    return unheeded(workload.container, (workload.post_start, workload.pre_stop), options.rules)


def whole_pod(chosen: Workload) -> list[Workload]:
    """Return the workloads of the chosen one's pod, in the order in which kubelet starts them."""
    pod = chosen.choice.pod
    others = [workload(choice) for choice in chosen.passed_over if choice.pod is pod]
    return sorted([chosen, *others], key=lambda each: _place(each.choice))


def _place(choice: Choice) -> tuple[bool, int]:
    place = choice.container.path[-1]
    return choice.role == "container", place if isinstance(place, int) else 0


def _command(workload: Workload, given: Sequence[str], address: str) -> Sequence[str]:
    own = f"container {workload.container.name}"
    command = given or workload.command
    if not command:
        raise CommandError(f"expected a command after --: {own} leaves it to its image")
    known = of_the_pod(workload, address)
    for name, value in known.items():
        command = [word.replace(f"$({name})", value) for word in command]
    path = workload.env.get("PATH", search_path())
    if shutil.which(command[0], path=path) is None:
        mend = "each word stands apart" if " " in command[0].strip() else "give a command after --"
        raise CommandError(
            f"cannot run {command[0]!r} of {own} here: no such program that may be run; {mend}"
        )
    return command


def _check_ports(workloads: Sequence[Workload], address: str) -> None:
    """See to it that no other process can answer for a worker, and that checks can be made."""
    handlers = [handler for each in workloads for handler in each.handlers.values()]
    if any(isinstance(handler, Grpc) for handler in handlers):
        need_grpc()
    ports = {handler.port for handler in handlers if not isinstance(handler, Exec)}
    for port in sorted(ports):
        expected = f"expected nothing on port {port} before the worker is started, but something "
        if any(connects(host, port) for host in {address, LOOPBACK}):
            raise BadInput(
                f"{expected}listens there on this machine, and would answer the probe in its "
                f"place: {FREE_IT}"
            )
        if is_taken(port):
            raise BadInput(
                f"{expected}on this machine holds it, though it refuses now, as a worker does "
                f"that is not well: {FREE_IT}"
            )


def _check_picture(options: Options) -> None:
    # What cannot be written later is better told before than after an hour.
    if options.picture:
        _write(options.picture, "a", "")


def _finish(
    stories: Sequence[Story], chosen: Workload, report: Report, options: Options, now: float
) -> int:
    report.end(stories, now)
    if options.picture:
        captions = [(story.caption, story.timeline) for story in stories]
        _write(options.picture, "w", draw(str(chosen.choice.resource), captions))
    if report.unwritten:
        # Only now: in the midst of it an error would be one of a group.
        raise report.unwritten
    return max(story.summary.exit_status for story in stories)


def _write(file: str, mode: str, text: str) -> None:
    try:
        with Path(file).open(mode, encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"{file}: expected a file to write to, but: {reason}") from None

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import anyio

from tcp_probe.kubelet.handlers import Exec, Sleep
from tcp_probe.kubelet.messages import CONTAINER_EXITED
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import (
    Event,
    Outcome,
    RunCheck,
    RunPostStart,
    RunPreStop,
    StartContainer,
    Terminate,
)

from .checks import run_check
from .container_environment import TERMINATION_LOG, container_environment
from .container_process import CommandError, ContainerProcess
from .dialled import at, dialled, refused_by_node
from .guard import VARIABLE
from .hooks import run_hook
from .listening import why_refused
from .termination_log import TerminationLog

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from anyio.abc import TaskGroup

    from tcp_probe.kubelet.handlers import Hook
    from tcp_probe.kubelet.prober import Probe, ProbeKind
    from tcp_probe.kubelet.steps import Step
    from tcp_probe.kubelet.versions import Rules
    from tcp_probe.manifest.workload import Workload

NODES_OWN = (
    "the {kind} probe names a host that to kubelet is its node's own loopback, not the pod's: "
    "remove `host` from it."
)


class Witness(Protocol):
    """Is told what becomes of a container."""

    def event(self, event: Event) -> None:
        """Take note of what kubelet did or saw."""

    def check(self, began: float, ended: float, kind: ProbeKind, outcome: Outcome) -> None:
        """Take note of a check."""

    def output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        """Take note of a line that the container has printed."""

    def remark(self, text: str) -> None:
        """Take note of why checks fail, as far as that can be seen from outside."""


@dataclass(frozen=True)
class Part:
    """A container to rehearse: what the manifest says, the command to run, and who is told."""

    workload: Workload
    command: Sequence[str]
    witness: Witness


class Stage(Protocol):
    """Where containers are run: its clock, its tasks, and the address that stands for the pod's."""

    address: str
    speed: float
    tasks: TaskGroup

    def now(self) -> float:
        """Return kubelet's time."""

    def call(self, run: ContainerRun, call: Callable[[float], list[Step]]) -> None:
        """Let kubelet take note of something."""

    def fail(self, error: CommandError) -> None:
        """End everything: a command cannot be run."""


class ContainerRun:
    """One container of a rehearsal: kubelet's view of it, its process, its checks and hooks."""

    def __init__(
        self, part: Part, stage: Stage, seed: int | random.Random, rules: Rules, folder: Path
    ) -> None:
        workload = part.workload
        self.workload = workload
        self.role = workload.choice.role
        self.begun = False
        # Whether kubelet wants it started, but something before it in its pod comes first.
        self.awaits_turn = False
        self.kubelet = Kubelet(workload.container, seed, rules)
        self.token = uuid.uuid4().hex
        self._stage = stage
        self._witness = part.witness
        self._handlers = dialled(workload, stage.address)
        self._remarks: set[str] = set()
        self._answered: set[int] = set()
        policy = workload.choice.container.get("terminationMessagePolicy")
        falls_back = policy is not None and policy.value == "FallbackToLogsOnError"
        self._log = TerminationLog(folder / self.token, falls_back=falls_back)
        self._env = {
            **container_environment(workload, stage.address),
            VARIABLE: self.token,
            TERMINATION_LOG: str(self._log.file),
        }
        self._process = ContainerProcess(
            part.command, self._env, self._output, shares_processes=workload.shares_processes
        )
        self._exited = anyio.Event()
        self._exited.set()
        # Cancelled when the container ends, and with it the hook after its start.
        self._life = anyio.CancelScope()

    @property
    def lets_others_start(self) -> bool:
        """Whether what comes after this container in its pod may be started."""
        if self.role == "init container":
            return self.kubelet.finished and not self.kubelet.exit_code
        return self.role == "container" or self.kubelet.started_up

    @property
    def starts(self) -> bool:
        """Whether it is being started right now."""
        return self.kubelet.starting and not self.awaits_turn

    def begin(self, now: float) -> list[Step]:
        """Let kubelet take the container on."""
        self.begun = True
        return self.kubelet.start(now)

    def perform(self, step: Step) -> None:
        """Do or report what kubelet wants."""
        tasks = self._stage.tasks
        if isinstance(step, Event):
            self._witness.event(step)
        elif isinstance(step, StartContainer):
            self._exited = anyio.Event()
            tasks.start_soon(self._run)
        elif isinstance(step, RunPostStart):
            tasks.start_soon(self._run_post_start)
        elif isinstance(step, RunCheck):
            tasks.start_soon(self._run_check, step.probe)
        elif isinstance(step, RunPreStop):
            tasks.start_soon(self._run_pre_stop, step.limit)
        elif isinstance(step, Terminate):
            self._terminate(step)
        else:
            self._process.kill()

    async def end(self) -> None:
        """End the container as when its pod is deleted: the hook, the signal, the grace."""
        container = self.workload.container
        with anyio.move_on_after(container.grace / self._stage.speed):
            hook = self.workload.pre_stop
            if hook and self.kubelet.running:
                await run_hook(self._at(hook, "preStop"), self._env, self._stage.speed)
            if self._process.terminate(container.stop_signal):
                await self._exited.wait()
        self._process.kill()
        await self._exited.wait()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    async def _run(self) -> None:
        self._log.begin()
        self._life = anyio.CancelScope()
        try:
            code = await self._process.run(partial(self._stage.call, self, self.kubelet.started))
            message = self._log.message(code)
            exited = partial(self.kubelet.exited, code=code, termination_message=message)
            self._stage.call(self, exited)
        except CommandError as error:
            self._stage.fail(error)
        finally:
            self._life.cancel()
            self._exited.set()

    async def _run_check(self, probe: Probe) -> None:
        handler = self._handlers[probe.kind]
        began = self._stage.now()
        if isinstance(handler, Exec) and not self.kubelet.running:
            # kubelet has not seen yet that there is nothing left to run the command in.
            outcome = Outcome(success=None, message=CONTAINER_EXITED)
        elif elsewhere := refused_by_node(self.workload, probe.kind):
            outcome = Outcome(success=False, message=elsewhere)
            self._remark(NODES_OWN.format(kind=probe.kind))
        else:
            outcome = await run_check(handler, probe.timeout / self._stage.speed, self._env)
        self._witness.check(began, self._stage.now(), probe.kind, outcome)
        if not isinstance(handler, Exec):
            if outcome.success:
                self._answered.add(handler.port)
            elif "connection refused" in outcome.message and handler.port not in self._answered:
                others = [
                    each.port for each in self._handlers.values() if not isinstance(each, Exec)
                ]
                self._remark(why_refused(handler.port, self.token, others))
        checked = partial(self.kubelet.checked, kind=probe.kind, outcome=outcome)
        self._stage.call(self, checked)

    def _remark(self, text: str | None) -> None:
        if text and text not in self._remarks:
            self._remarks.add(text)
            self._witness.remark(text)

    async def _run_post_start(self) -> None:
        hook = self._at(cast("Hook", self.workload.post_start), "postStart")
        with self._life:
            done = await run_hook(hook, self._env, self._stage.speed)
            self._stage.call(self, partial(self.kubelet.post_started, success=done))

    async def _run_pre_stop(self, limit: float) -> None:
        hook = self._at(cast("Hook", self.workload.pre_stop), "preStop")
        # A sleep that the grace cuts short is no failure.
        done = isinstance(hook, Sleep)
        with anyio.move_on_after(limit / self._stage.speed):
            done = await run_hook(hook, self._env, self._stage.speed)
        self._stage.call(self, partial(self.kubelet.pre_stopped, success=done))

    def _at(self, hook: Hook, name: str) -> Hook:
        field = self.workload.choice.container.need("lifecycle").need(name)
        return at(hook, field, self._stage.address)

    def _terminate(self, step: Terminate) -> None:
        if self._process.terminate(step.signal):
            return
        message = (
            f"Container {self.workload.container.name} does not handle {step.signal}: as PID 1 it "
            f"does not get it, and runs on until SIGKILL in {step.grace:g}s"
        )
        now, restarts = self._stage.now(), self.kubelet.restarts
        self._witness.event(Event(now, "Warning", "SignalIgnored", message, restarts, "state"))

    def _output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        self._log.printed(line)
        self._witness.output(line, is_error)

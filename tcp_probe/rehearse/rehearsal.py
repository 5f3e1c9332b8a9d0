from __future__ import annotations

import os
import signal
import uuid
from functools import partial
from typing import TYPE_CHECKING, cast

import anyio

from tcp_probe.kubelet.handlers import Exec, Sleep
from tcp_probe.kubelet.messages import CONTAINER_EXITED
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import DEFAULT_SEED, Kubelet
from tcp_probe.kubelet.steps import (
    Event,
    Outcome,
    RunCheck,
    RunPostStart,
    RunPreStop,
    StartContainer,
    Terminate,
)
from tcp_probe.manifest.environment import search_path

from .checks import run_check
from .container_process import CommandError, ContainerProcess
from .guard import VARIABLE
from .hooks import run_hook
from .processes import guarded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from anyio.abc import TaskGroup

    from tcp_probe.kubelet.handlers import Hook
    from tcp_probe.kubelet.steps import Step
    from tcp_probe.kubelet.versions import Rules
    from tcp_probe.manifest.workload import Workload

    from .timeline import OnCheck

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Rehearsal:
    """Runs a command as the container of a workload and treats it as kubelet would.

    `on_event` gets every event, `on_output` every line that the command prints, with True for one
    on its standard error. `speed` lets kubelet's clock run faster than the real one.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        workload: Workload,
        command: Sequence[str],
        on_event: Callable[[Event], None],
        on_output: Callable[[str, bool], None],
        *,
        seed: int = DEFAULT_SEED,
        rules: Rules | None = None,
        speed: float = 1,
        on_check: OnCheck | None = None,
    ) -> None:
        self.kubelet = Kubelet(workload.container, seed, rules)
        self._workload = workload
        self._on_event = on_event
        self._on_check = on_check
        self._speed = speed
        # Without it a Python worker, whose output is a pipe here, would print at its end only.
        defaults = {"PYTHONUNBUFFERED": "1"}
        token = {VARIABLE: uuid.uuid4().hex}
        path = {"PATH": search_path()}
        self._env = {**defaults, **os.environ, **path, **workload.env, **token}
        self._process = ContainerProcess(
            command, self._env, on_output, shares_processes=workload.shares_processes
        )
        self._began = 0.0
        self._calls: list[Callable[[float], list[Step]]] = []
        self._woken = anyio.Event()
        self._exited = anyio.Event()
        self._exited.set()
        self._stop = False
        self._error: CommandError | None = None

    def stop(self) -> None:
        """End the rehearsal as a signal would; a second time, at once."""
        if self._stop:
            self._process.kill()
        self._stop = True
        self._woken.set()

    async def run(self, until: float) -> float:
        """Rehearse for so many seconds, or to the pod's end, or to SIGINT, SIGTERM or SIGHUP.

        The container then gets SIGTERM and its grace, as when a pod is deleted; a second signal
        cuts that short. Whatever happens, none of its processes is left. Returns the seconds that
        were rehearsed.

        Raises `CommandError` where the command cannot be run.
        """
        with guarded(self._env[VARIABLE]), anyio.open_signal_receiver(*SIGNALS) as signals:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._heed, signals)
                seconds = await self._drive(until, tasks)
                await self._end_container()
                tasks.cancel_scope.cancel()
        if self._error:
            raise self._error
        return seconds

    async def _heed(self, signals: AsyncIterator[signal.Signals]) -> None:
        async for _ in signals:
            self.stop()

    async def _drive(self, until: float, tasks: TaskGroup) -> float:
        self._began = anyio.current_time()
        steps = self.kubelet.start(self._now())
        while True:
            for step in steps:
                self._perform(step, self._now(), tasks)
            if self._stop or self.kubelet.finished or self._now() >= until:
                return self._now()
            wait = min(self.kubelet.next_wake, until) - self._now()
            with anyio.move_on_after(wait / self._speed):
                await self._woken.wait()
            self._woken = anyio.Event()
            calls, self._calls = self._calls, []
            steps = [step for call in (*calls, self.kubelet.wake) for step in call(self._now())]

    def _now(self) -> float:
        return (anyio.current_time() - self._began) * self._speed

    def _call(self, call: Callable[[float], list[Step]]) -> None:
        self._calls.append(call)
        self._woken.set()

    def _perform(self, step: Step, now: float, tasks: TaskGroup) -> None:
        if isinstance(step, Event):
            self._on_event(step)
        elif isinstance(step, StartContainer):
            tasks.start_soon(self._run_container)
        elif isinstance(step, RunCheck):
            tasks.start_soon(self._run_check, step.probe)
        elif isinstance(step, RunPreStop):
            tasks.start_soon(self._run_pre_stop, step.limit)
        elif isinstance(step, RunPostStart):
            tasks.start_soon(self._run_post_start)
        elif isinstance(step, Terminate):
            if not self._process.terminate(step.signal):
                name = self._workload.container.name
                message = (
                    f"Container {name} does not handle {step.signal}: as PID 1 it does not get it, "
                    f"and runs on until SIGKILL in {step.grace:g}s"
                )
                event = Event(now, "Warning", "SigtermIgnored", message, self.kubelet.restarts)
                self._on_event(event)
        else:
            self._process.kill()

    async def _run_container(self) -> None:
        self._exited = anyio.Event()
        try:
            code = await self._process.run(partial(self._call, self.kubelet.started))
            self._call(partial(self.kubelet.exited, code=code))
        except CommandError as error:
            self._error = error
            self.stop()
        finally:
            self._exited.set()

    async def _run_check(self, probe: Probe) -> None:
        handler = self._workload.handlers[probe.kind]
        began = self._now()
        if isinstance(handler, Exec) and not self.kubelet.running:
            outcome = Outcome(success=None, message=CONTAINER_EXITED)
        else:
            outcome = await run_check(handler, probe.timeout / self._speed, self._env)
        if self._on_check:
            self._on_check(began, self._now(), probe.kind, outcome)
        self._call(partial(self.kubelet.checked, kind=probe.kind, outcome=outcome))

    async def _run_pre_stop(self, limit: float) -> None:
        hook = cast("Hook", self._workload.pre_stop)
        # A sleep that the grace cuts short is no failure.
        success = isinstance(hook, Sleep)
        with anyio.move_on_after(limit / self._speed):
            success = await run_hook(hook, self._env, self._speed)
        self._call(partial(self.kubelet.pre_stopped, success=success))

    async def _run_post_start(self) -> None:
        hook = cast("Hook", self._workload.post_start)
        success = await run_hook(hook, self._env, self._speed)
        self._call(partial(self.kubelet.post_started, success=success))

    async def _end_container(self) -> None:
        if self._process.terminate():
            with anyio.move_on_after(self._workload.container.grace / self._speed):
                await self._exited.wait()
        self._process.kill()

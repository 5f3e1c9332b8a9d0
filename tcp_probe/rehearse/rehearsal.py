from __future__ import annotations

import random
import signal
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio

from tcp_probe.kubelet.state_machine import DEFAULT_SEED
from tcp_probe.kubelet.steps import StartContainer
from tcp_probe.kubelet.versions import Rules

from .container_run import ContainerRun
from .pod_address import LOOPBACK
from .processes import guarded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from anyio.abc import TaskGroup

    from tcp_probe.kubelet.steps import Step

    from .container_process import CommandError
    from .container_run import Part

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Rehearsal:
    """Runs the containers of a pod here and treats them as kubelet would.

    `parts` are in the order of the manifest, init containers first: these are run one after the
    other, sidecars until their start-up is over, then the rest together. `address` is where they
    are checked. `speed` lets kubelet's clock run faster than the real one.
    """

    tasks: TaskGroup

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        address: str = LOOPBACK,
        seed: int = DEFAULT_SEED,
        rules: Rules | None = None,
        speed: float = 1,
    ) -> None:
        self.address = address
        self.speed = speed
        self.runs: list[ContainerRun] = []
        self._parts = parts
        self._rules = rules or Rules()
        self._random = random.Random(seed)  # noqa: S311 - nothing secret
        self._began = 0.0
        self._calls: list[tuple[ContainerRun, Callable[[float], list[Step]]]] = []
        self._woken = anyio.Event()
        # Of a pod that starts again, the containers that have not yet had their turn.
        self._restarting: set[ContainerRun] = set()
        self._stop = False
        self._error: CommandError | None = None

    def stop(self) -> None:
        """End the rehearsal as a signal would; a second time, at once."""
        if self._stop:
            for run in self.runs:
                run.kill()
        self._stop = True
        self._woken.set()

    async def run(self, until: float) -> float:
        """Rehearse for so many seconds, or to the pod's end, or to SIGINT, SIGTERM or SIGHUP.

        The containers are then ended as when a pod is deleted; a second signal cuts that short.
        Whatever happens, none of their processes is left. Returns the seconds that were rehearsed.

        Raises `CommandError` where a command cannot be run.
        """
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="tcp-probe-")))
            for part in self._parts:
                run = ContainerRun(part, self, self._random, self._rules, folder)
                self.runs.append(run)
                stack.enter_context(guarded(run.token))
            signals = stack.enter_context(anyio.open_signal_receiver(*SIGNALS))
            async with anyio.create_task_group() as self.tasks:
                self.tasks.start_soon(self._heed, signals)
                seconds = await self._drive(until)
                await self._end_containers()
                self.tasks.cancel_scope.cancel()
        if self._error:
            raise self._error
        return seconds

    def now(self) -> float:
        """Return kubelet's time."""
        return (anyio.current_time() - self._began) * self.speed

    def call(self, run: ContainerRun, call: Callable[[float], list[Step]]) -> None:
        """Let kubelet take note of something, soon."""
        self._calls.append((run, call))
        self._woken.set()

    def fail(self, error: CommandError) -> None:
        """End everything: a command cannot be run."""
        self._error = error
        self.stop()

    @property
    def finished(self) -> bool:
        """Whether the pod has come to its end: done, or an init container has failed for good."""
        ended = [run for run in self.runs if run.kubelet.finished]
        if any(run.kubelet.exit_code for run in ended if run.role == "init container"):
            return True
        return all(run in ended for run in self.runs if run.role == "container")

    async def _heed(self, signals: AsyncIterator[signal.Signals]) -> None:
        async for _ in signals:
            self.stop()

    async def _drive(self, until: float) -> float:
        self._began = anyio.current_time()
        while True:
            for run in self._due():
                self._restarting.discard(run)
                run.awaits_turn = False
                self._perform(run, [StartContainer()] if run.begun else run.begin(self.now()))
            if self._stop or self.finished or self.now() >= until:
                return self.now()
            wake = min(run.kubelet.next_wake for run in self.runs if run.begun)
            with anyio.move_on_after((min(wake, until) - self.now()) / self.speed):
                await self._woken.wait()
            self._woken = anyio.Event()
            calls, self._calls = self._calls, []
            calls += [(run, run.kubelet.wake) for run in self.runs if run.begun]
            for run, call in calls:
                self._perform(run, call(self.now()))

    def _perform(self, run: ContainerRun, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, StartContainer) and run in self._restarting:
                run.awaits_turn = True
            else:
                run.perform(step)
        if run.kubelet.restarts_pod():
            # One that is just being started is as new as the others will be.
            self._restarting = {each for each in self.runs if each.begun and not each.starts}
            # In the order of the pod, so that the same seed gives the same events.
            for other in [each for each in self.runs if each in self._restarting - {run}]:
                self._perform(other, other.kubelet.restart(self.now()))

    def _due(self) -> Iterator[ContainerRun]:
        """Yield the containers to start now: one at a time, and the main ones together."""
        if any(run.kubelet.ends_with_pod for run in self.runs):
            return
        for run in self.runs:
            if not run.begun or run.awaits_turn:
                yield run
                if run.role != "container":
                    return
            elif run in self._restarting or not run.lets_others_start:
                return

    async def _end_containers(self) -> None:
        """End the main containers together, and what served them after them."""
        roles: list[tuple[str, ...]] = [("container", "init container"), ("sidecar",)]
        for among in roles:
            async with anyio.create_task_group() as ending:
                for run in self.runs:
                    if run.role in among:
                        ending.start_soon(run.end)

from __future__ import annotations

import heapq
from functools import partial
from itertools import count
from math import inf, nextafter
from typing import TYPE_CHECKING

from tcp_probe._bad_input import BadInput
from tcp_probe.kubelet.go_format import joined
from tcp_probe.kubelet.handlers import Sleep
from tcp_probe.kubelet.messages import refused
from tcp_probe.kubelet.state_machine import DEFAULT_SEED, Kubelet
from tcp_probe.kubelet.steps import (
    Event,
    RunCheck,
    RunPostStart,
    RunPreStop,
    StartContainer,
    Terminate,
)

from .predicted_command import predict
from .timeline import OnCheck
from .virtual_container import PASSED, VirtualContainer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tcp_probe.kubelet.handlers import Handler, Hook
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.kubelet.steps import Container, Outcome, Step
    from tcp_probe.kubelet.versions import Rules
    from tcp_probe.manifest.workload import Workload

    from .worker_script import WorkerScript

KILLED = 137


def init_seconds(workload: Workload) -> list[tuple[str, float | None]]:
    """Return the init containers before a container, and how long each takes if that is known.

    Raises `BadInput` where one of them is known to fail: the pod then gets no further.
    """
    takes: list[tuple[str, float | None]] = []
    for name, command in workload.init:
        predicted = predict(command, _unreachable)
        if predicted and predicted.code:
            raise BadInput(
                f"expected init container {name} to end well, but its command ends with code "
                f"{predicted.code}: {workload.container.name} is never started; rehearse "
                f"--container {name} to see what happens"
            )
        takes.append((name, predicted.seconds if predicted else None))
    return takes


def _unreachable(host: str, port: int) -> tuple[float, str]:
    return 0.0, refused(joined(host, port))


class Simulation:
    """A rehearsal without a process and without sleeping, of a worker that follows a script.

    `init` are the seconds that each init container before it takes. Checks that pass and change
    nothing are left out, unless `on_check` is to be told of each.

    >>> simulation = Simulation(container, handlers, parse("start=0,close=20"))
    >>> [event.reason for event in simulation.run(until=30)]
    ['Started', 'Ready', 'Unhealthy', 'Unhealthy', 'Unhealthy', 'Killing', ...]
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        container: Container,
        handlers: Mapping[ProbeKind, Handler],
        script: WorkerScript,
        *,
        ports: Sequence[int] = (),
        pre_stop: Hook | None = None,
        post_start: Hook | None = None,
        shares_processes: bool = False,
        init: Sequence[float] = (),
        seed: int | random.Random = DEFAULT_SEED,
        on_check: OnCheck | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.kubelet = Kubelet(container, seed, rules)
        self.now = 0.0
        # How many steps of kubelet were taken: what a simulation costs.
        self.work = 0
        self._handlers = handlers
        self._on_check = on_check
        self._script = script
        self._ports = ports
        self._pre_stop = pre_stop or Sleep(0)
        self._post_start = post_start or Sleep(0)
        self._shares_processes = shares_processes
        self._init = init
        self._calls: list[tuple[float, int, Callable[[float], list[Step]]]] = []
        self._number = count()
        self._hook_cut_short = False
        self._start()

    @classmethod
    def of(
        cls,
        workload: Workload,
        script: WorkerScript,
        *,
        seed: int | random.Random = DEFAULT_SEED,
        on_check: OnCheck | None = None,
        rules: Rules | None = None,
    ) -> Simulation:
        """Simulate what a manifest says of a container, after the init containers before it."""
        return cls(
            workload.container,
            workload.handlers,
            script,
            ports=workload.ports,
            pre_stop=workload.pre_stop,
            post_start=workload.post_start,
            shares_processes=workload.shares_processes,
            init=[seconds or 0 for _, seconds in init_seconds(workload)],
            seed=seed,
            on_check=on_check,
            rules=rules,
        )

    def run(self, until: float) -> Iterator[Event]:
        """Yield the events of so many seconds, or up to the pod's end."""
        kubelet = self.kubelet
        steps = kubelet.start(self.now, init=self._init)
        while True:
            self.work += 1
            for step in steps:
                if isinstance(step, Event):
                    yield step
                else:
                    self._perform(step)
            call_at = self._calls[0][0] if self._calls else inf
            if self._on_check is None and kubelet.steady:
                self._skip(min(call_at, until))
            now = min(call_at, kubelet.next_wake)
            if now > until or kubelet.finished:
                return
            self.now = now
            steps = heapq.heappop(self._calls)[2](now) if call_at == now else kubelet.wake(now)

    def hangs(self, now: float) -> bool:
        """Whether the container stands still at that time, seen by kubelet or not."""
        return self.kubelet.running and self._instance.hangs(now)

    def _skip(self, until: float) -> None:
        """Leave out the checks that would all pass, up to the worker's next change."""
        instance = self._instance
        if instance.hangs(self.now):
            return
        for probe in self.kubelet.container.probes:
            took, outcome = instance.check(self.now, self._handlers[probe.kind], probe.timeout)
            if took or outcome != PASSED:
                return
        self.kubelet.skip(nextafter(min(until, instance.next_change(self.now)), 0))

    def _start(self) -> None:
        self._instance = VirtualContainer(
            self._script, self.now, self._ports, shares_processes=self._shares_processes
        )

    def _perform(self, step: Step) -> None:
        if isinstance(step, StartContainer):
            self._start()
            self._hook_cut_short = False
            self._at(self.now, self.kubelet.started)
            self._exit_at(self._instance.exits_at, self._script.exit_code)
        elif isinstance(step, RunCheck):
            probe = step.probe
            handler = self._handlers[probe.kind]
            took, outcome = self._instance.check(self.now, handler, probe.timeout)
            checked = partial(self._checked, self.now, probe.kind, outcome)
            self._at(self.now + took, checked)
        elif isinstance(step, RunPostStart):
            given = self._script.post_start
            took, success = self._instance.hook(self.now, self._post_start, given)
            self._at(self.now + took, partial(self.kubelet.post_started, success=success))
        elif isinstance(step, RunPreStop):
            self._run_pre_stop(step.limit)
        elif isinstance(step, Terminate):
            self._exit_at(*self._instance.terminated(self.now, step.signal))
        else:
            self._exit_at(self.now, KILLED)

    def _run_pre_stop(self, limit: float) -> None:
        hook = self._pre_stop
        took, success = self._instance.hook(self.now, hook, self._script.pre_stop)
        if took < limit:
            self._at(self.now + took, partial(self.kubelet.pre_stopped, success=success))
        else:
            # kubelet goes on without it; a command or a page fails when the container ends.
            self._hook_cut_short = not isinstance(hook, Sleep)

    def _checked(self, began: float, kind: ProbeKind, outcome: Outcome, now: float) -> list[Step]:
        if self._on_check:
            self._on_check(began, now, kind, outcome)
        return self.kubelet.checked(now, kind, outcome)

    def _at(self, time: float, call: Callable[[float], list[Step]]) -> None:
        if time < inf:
            heapq.heappush(self._calls, (time, next(self._number), call))

    def _exit_at(self, time: float, code: int) -> None:
        self._at(time, partial(self._exit, self._instance, code))

    def _exit(self, instance: VirtualContainer, code: int, now: float) -> list[Step]:
        if instance is not self._instance or not self.kubelet.running:
            return []
        instance.ended = True
        failed = self.kubelet.pre_stopped(now, success=False) if self._hook_cut_short else []
        return failed + self.kubelet.exited(now, code)

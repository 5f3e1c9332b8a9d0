from __future__ import annotations

import heapq
from functools import partial
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Sleep
from tcp_probe.kubelet.state_machine import DEFAULT_SEED, Kubelet
from tcp_probe.kubelet.steps import Event, RunCheck, RunPreStop, StartContainer, Terminate

from .timeline import OnCheck
from .worker_script import VirtualContainer, WorkerScript

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tcp_probe.kubelet.handlers import Handler, Hook
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.kubelet.steps import Container, Outcome, Step
    from tcp_probe.kubelet.versions import Rules

KILLED = 137


class Simulation:
    """A rehearsal without a process and without sleeping, of a worker that follows a script.

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
        seed: int | random.Random = DEFAULT_SEED,
        on_check: OnCheck | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.kubelet = Kubelet(container, seed, rules)
        self.now = 0.0
        self._handlers = handlers
        self._on_check = on_check
        self._script = script
        self._ports = ports
        self._hook_takes = pre_stop.seconds if isinstance(pre_stop, Sleep) else 0
        self._calls: list[tuple[float, int, Callable[[float], list[Step]]]] = []
        self._number = count()
        self._instance = VirtualContainer(script, 0, ports)

    def run(self, until: float) -> Iterator[Event]:
        """Yield the events of so many seconds, or up to the pod's end."""
        steps = self.kubelet.start(self.now)
        while True:
            for step in steps:
                if isinstance(step, Event):
                    yield step
                else:
                    self._perform(step)
            call_at = self._calls[0][0] if self._calls else inf
            now = min(call_at, self.kubelet.next_wake)
            if now > until or self.kubelet.finished:
                return
            self.now = now
            steps = heapq.heappop(self._calls)[2](now) if call_at == now else self.kubelet.wake(now)

    def _perform(self, step: Step) -> None:
        if isinstance(step, StartContainer):
            self._instance = VirtualContainer(self._script, self.now, self._ports)
            self._at(self.now, self.kubelet.started)
            self._exit_at(self._instance.exits_at, self._script.exit_code)
        elif isinstance(step, RunCheck):
            probe = step.probe
            handler = self._handlers[probe.kind]
            took, outcome = self._instance.check(self.now, handler, probe.timeout)
            checked = partial(self._checked, self.now, probe.kind, outcome)
            self._at(self.now + took, checked)
        elif isinstance(step, RunPreStop):
            self._at(self.now + min(self._hook_takes, step.limit), self.kubelet.pre_stopped)
        elif isinstance(step, Terminate):
            self._exit_at(self._instance.terminated_at(self.now), 0)
        else:
            self._exit_at(self.now, KILLED)

    def _checked(self, began: float, kind: ProbeKind, outcome: Outcome, now: float) -> list[Step]:
        if self._on_check:
            self._on_check(began, now, kind, outcome)
        return self.kubelet.checked(now, kind, outcome)

    def _at(self, time: float, call: Callable[[float], list[Step]]) -> None:
        heapq.heappush(self._calls, (time, next(self._number), call))

    def _exit_at(self, time: float, code: int) -> None:
        if time < inf:
            self._at(time, partial(self._exit, self._instance, code))

    def _exit(self, instance: VirtualContainer, code: int, now: float) -> list[Step]:
        if instance is not self._instance or not self.kubelet.running:
            return []
        return self.kubelet.exited(now, code)

from __future__ import annotations

import random
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from .back_off import BackOff
from .prober import Probe, ProbeKind, Prober
from .steps import (
    Container,
    Event,
    EventType,
    Kill,
    Outcome,
    RunCheck,
    RunPreStop,
    StartContainer,
    Step,
    Terminate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# With this seed a simulation tells the recorded stories.
DEFAULT_SEED = 1
# In seconds, each.
LOOK_AGAIN = (10.0, 15.0)
# The container runtime is asked once a second what has started and ended.
RELIST = 1.0
MINIMUM_GRACE = 2.0
# Recorded: the tickers of a pod start this long before its first container does, ...
TICKER_LEAD = 0.4
# ... from a failed probe to SIGTERM it takes this long, ...
KILL_TAKES = 0.01
# ... and from the exit of a killed container to the start of the next one this long.
RESTART_TAKES = 0.1


class Kubelet:
    """What kubelet does with one container of a pod: probes, kills, restarts and back-off.

    A pure state machine. It neither sleeps nor looks at a clock: each method is told the time,
    in seconds from any origin, and returns what to do and to report, in order. Call `wake` at
    `next_wake`, which may change with every call.

    `seed` decides what is random in kubelet: when, within a second, it sees that a container has
    started or ended, and when, within 10 to 15 s, it looks again during a back-off.

    >>> kubelet = Kubelet(Container("worker", (Probe("liveness", period=1),)))
    >>> kubelet.start(0.0)
    [StartContainer()]
    >>> kubelet.started(0.0)
    [Event(time=0.0, type='Normal', reason='Started', ...), ...]
    >>> kubelet.wake(kubelet.next_wake)
    [RunCheck(probe=Probe(kind='liveness', ...))]
    """

    def __init__(self, container: Container, seed: int | random.Random = DEFAULT_SEED) -> None:
        self.container = container
        self.restarts = 0
        self.running = False
        self.ready = False
        self.backing_off = False
        self.finished = False
        self.exit_code: int | None = None
        self._random = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311 - nothing secret
        self._back_off = BackOff()
        self._probers: dict[ProbeKind, Prober] = {}
        self._timers: dict[str, tuple[float, Callable[[float], None]]] = {}
        self._steps: list[Step] = []
        self._instances = 0
        self._started_at = -inf
        self._startup_over = False
        self._stopping = False
        self._asked_at = -inf
        self._exited_at: float | None = None

    @property
    def next_wake(self) -> float:
        """When to call `wake`, unless something happens earlier; infinity for never."""
        timers = (time for time, _ in self._timers.values())
        ticks = (prober.next_tick for prober in self._probers.values() if self.running)
        return min((*timers, *ticks), default=inf)

    @property
    def status(self) -> str:
        """What `kubectl get pod` shows as STATUS."""
        if self.backing_off:
            return "CrashLoopBackOff"
        if self.exit_code is not None:
            return "Error" if self.exit_code else "Completed"
        return "Running" if self._instances else "ContainerCreating"

    def start(self, now: float) -> list[Step]:
        """Take on the pod: the tickers of its probes start, and its container is to be."""
        for probe in self.container.probes:
            self._probers[probe.kind] = Prober(probe, now - TICKER_LEAD)
        self._steps.append(StartContainer())
        return self._drain(now)

    def started(self, now: float) -> list[Step]:
        """Take note that the container runs."""
        self.running = True
        self.backing_off = False
        self.exit_code = None
        self.restarts = self._instances
        self._instances += 1
        self._started_at = now
        self._startup_over = "startup" not in self._probers
        self._report(now, "Normal", "Started", f"Started container {self.container.name}")
        for prober in self._probers.values():
            prober.container_started(now)
        self._update_ready(now)
        self._sync(now)
        self._request_sync(now)
        return self._drain(now)

    def checked(self, now: float, kind: ProbeKind, outcome: Outcome) -> list[Step]:
        """Take note of how the check of this probe ended."""
        prober = self._probers[kind]
        if outcome.success is None:
            prober.abandon()
            self._report_check(now, kind, "errored and resulted in unknown state", outcome)
            return self._drain(now)
        if not outcome.success:
            self._report_check(now, kind, "failed", outcome)
        elif outcome.message:
            self._report_check(now, kind, "warning", outcome)
        if prober.finish(success=outcome.success) and self.running:
            self._startup_over = self._startup_over or (kind == "startup" and outcome.success)
            self._update_ready(now)
            self._request_sync(now)
        return self._drain(now)

    def pre_stopped(self, now: float) -> list[Step]:
        """Take note that the hook before SIGTERM has ended."""
        if "terminate" in self._timers:
            end, _ = self._timers.pop("terminate")
            self._terminate(now, end - now)
        return self._drain(now)

    def exited(self, now: float, code: int) -> list[Step]:
        """Take note that the container has ended; 128 + N stands for signal N."""
        killed = self._stopping
        known_exit_at = self._exited_at
        self.running = self._stopping = False
        self.exit_code = code
        self._exited_at = now
        self._timers.clear()
        message = f"Container {self.container.name} exited with code {code}"
        self._report(now, "Warning" if code else "Normal", "Exited", message)
        self._update_ready(now)
        if killed and self.container.restart_policy != "Never":
            # Kill and restart are one pass, which has seen this instance running: the back-off
            # is measured from the exit before.
            self._at(now + RESTART_TAKES, "restart", partial(self._restart_killed, known_exit_at))
        else:
            self._await_exit_seen(now)
        return self._drain(now)

    def wake(self, now: float) -> list[Step]:
        """Do what is due."""
        for name, (time, handle) in list(self._timers.items()):
            if time <= now and name in self._timers:
                del self._timers[name]
                handle(now)
        return self._drain(now)

    def _at(self, time: float, name: str, handle: Callable[[float], None]) -> None:
        self._timers[name] = (time, handle)

    def _drain(self, now: float) -> list[Step]:
        if self.running:
            age = now - self._started_at
            self._steps += [
                RunCheck(prober.probe)
                for prober in self._probers.values()
                if prober.poll(now, age, started=self._startup_over)
            ]
        steps, self._steps = self._steps, []
        return steps

    def _report(self, now: float, level: EventType, reason: str, message: str) -> None:
        self._steps.append(Event(now, level, reason, message, self.restarts))

    def _report_check(self, now: float, kind: ProbeKind, verdict: str, outcome: Outcome) -> None:
        reason = "ProbeWarning" if outcome.success else "Unhealthy"
        message = f"{kind.capitalize()} probe {verdict}: {outcome.message}"
        self._report(now, "Warning", reason, message)

    def _update_ready(self, now: float) -> None:
        readiness = self._probers.get("readiness")
        passed = readiness is None or readiness.result is True
        ready = self.running and self._startup_over and passed
        if ready != self.ready:
            self.ready = ready
            name = self.container.name
            if ready:
                self._report(now, "Normal", "Ready", f"Container {name} is ready")
            else:
                self._report(now, "Warning", "NotReady", f"Container {name} is not ready")

    def _request_sync(self, now: float) -> None:
        """Look at the pod, but not before the runtime has been asked since the last look."""
        if self._stopping:
            return
        if self._asked_at <= now:
            self._sync(now)
        else:
            self._at(self._asked_at, "sync", self._sync)

    def _sync(self, now: float) -> None:
        self._asked_at = now + self._random.uniform(0, RELIST)
        readiness = self._probers.get("readiness")
        if readiness and self._startup_over and not readiness.result:
            readiness.trigger()
        for prober in self._probers.values():
            if prober.result is False and prober is not readiness:
                self._at(now + KILL_TAKES, "kill", partial(self._kill, prober.probe))

    def _kill(self, probe: Probe, now: float) -> None:
        name = self.container.name
        grace = self.container.grace
        if self.container.restart_policy == "Never" and self.container.alone:
            # Nothing is left to run: the whole pod is stopped, with the pod's own grace.
            message = f"Stopping container {name}"
        else:
            restarts = self.container.restart_policy != "Never"
            message = f"Container {name} failed {probe.kind} probe"
            message += ", will be restarted" if restarts else ""
            grace = grace if probe.grace is None else probe.grace
        self._stopping = True
        self._timers.clear()
        self._report(now, "Normal", "Killing", message)
        if self.container.pre_stop and grace > 0:
            self._steps.append(RunPreStop(grace))
            self._at(now + grace, "terminate", self._terminate)
        else:
            self._terminate(now, grace)

    def _terminate(self, now: float, grace: float = 0) -> None:
        grace = max(grace, MINIMUM_GRACE)
        self._steps.append(Terminate(grace))
        self._at(now + grace, "sigkill", self._sigkill)

    def _sigkill(self, _now: float) -> None:
        self._steps.append(Kill())

    def _await_exit_seen(self, now: float) -> None:
        policy = self.container.restart_policy
        if policy == "Always" or (policy == "OnFailure" and self.exit_code):
            self._at(now + self._random.uniform(0, RELIST), "restart", self._restart_exited)
        else:
            self.finished = True
            self.backing_off = False

    def _restart_killed(self, known_exit_at: float | None, now: float) -> None:
        if not self._start(now, known_exit_at):
            self._report_back_off(now)
            self._await_exit_seen(now)

    def _restart_exited(self, now: float) -> None:
        if not self._start(now, self._exited_at):
            self._report_back_off(now)
            self._look_again_later(now)

    def _look_again(self, now: float) -> None:
        if not self._start(now, self._exited_at):
            self._look_again_later(now)

    def _look_again_later(self, now: float) -> None:
        self._at(now + self._random.uniform(*LOOK_AGAIN), "restart", self._look_again)

    def _start(self, now: float, exited_at: float | None) -> bool:
        self.backing_off = not (exited_at is None or self._back_off.allows_restart(now, exited_at))
        if not self.backing_off:
            self._steps.append(StartContainer())
        return not self.backing_off

    def _report_back_off(self, now: float) -> None:
        message = f"Back-off {self._back_off} restarting failed container {self.container.name}"
        self._report(now, "Warning", "BackOff", message)

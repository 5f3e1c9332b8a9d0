from __future__ import annotations

import random
from math import floor, inf
from typing import TYPE_CHECKING

from . import messages
from .agenda import Agenda
from .journal import Journal
from .looks import RELIST, Looks
from .probers import Probers
from .restarter import Restarter
from .steps import RunCheck, RunPostStart
from .stop import Stop
from .versions import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .prober import Probe, ProbeKind
    from .steps import Container, EventType, Outcome, Step

# With this seed a simulation tells the recorded stories.
DEFAULT_SEED = 14
# Recorded: the tickers of a pod start this long before its first container does, ...
TICKER_LEAD = 0.15
# ... what kubelet has started it sees this soon, where it asks the runtime at once, ...
SEEN_AFTER = 0.01
# ... and from the exit of a killed container to the start of the next one this long.
RESTART_TAKES = 0.1


class Kubelet:
    """What kubelet does with one container of a pod: probes, kills, restarts and back-off.

    A pure state machine. It neither sleeps nor looks at a clock: each method is told the time,
    in seconds from any origin, and returns what to do and to report, in order. Call `wake` at
    `next_wake`, which may change with every call.

    `seed` decides what is random in kubelet: when, within a second, it sees that a container has
    started or ended, and when it looks again during a back-off. `rules` are those of its version
    and its node, by default those of the newest version.

    >>> kubelet = Kubelet(Container("worker", (Probe("liveness", period=1),)))
    >>> kubelet.start(0.0)
    [StartContainer()]
    >>> kubelet.started(0.0)
    [Event(time=0.0, type='Normal', reason='Started', ...)]
    >>> kubelet.wake(kubelet.next_wake)
    [Event(time=0.01, type='Normal', reason='Ready', ...)]
    >>> kubelet.wake(kubelet.next_wake)
    [RunCheck(probe=Probe(kind='liveness', ...))]
    """

    def __init__(
        self,
        container: Container,
        seed: int | random.Random = DEFAULT_SEED,
        rules: Rules | None = None,
    ) -> None:
        self.container = container
        self.rules = rules or Rules()
        self.running = False
        self.ready = False
        self.finished = False
        self.exit_code: int | None = None
        self._random = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311 - nothing secret
        # Where in a second of the wall clock the origin of time is.
        self._fraction = self._random.random()
        self._probers = Probers()
        self._agenda = Agenda()
        self._journal = Journal()
        self._stop = Stop(container, self.rules, self._agenda, self._journal)
        self._restarter = Restarter(
            container, self.rules, self._agenda, self._journal, self._random
        )
        self._looks = Looks(self._probers, self._agenda, self._random, self._kill)
        self._instances = 0
        self._started_at = -inf
        # The probers know an instance only once kubelet has seen that it runs.
        self._seen = False
        self._keeps_started = False
        # Whether the hook after the start still runs: no probe is checked meanwhile.
        self.in_post_start = False
        self._post_start_failed = False
        self._stopping = self._with_pod = False
        self._killed_by: ProbeKind | None = None

    @property
    def backing_off(self) -> bool:
        """Whether the container has ended and is left so for a while."""
        return self._restarter.backing_off

    @property
    def restarts(self) -> int:
        """How often the container was started again."""
        return self._journal.restarts

    @property
    def started_up(self) -> bool:
        """Whether the container runs and its start-up is over: what follows a sidecar may start."""
        return self._seen and self._probers.started and not self._with_pod

    @property
    def starting(self) -> bool:
        """Whether the container was asked for and does not run yet."""
        return self._restarter.starting

    @property
    def ends_with_pod(self) -> bool:
        """Whether the container is being ended so that all of its pod can start again."""
        return self._with_pod

    @property
    def next_wake(self) -> float:
        """When to call `wake`, unless something happens earlier; infinity for never."""
        return min(self._agenda.next, self._probers.next_tick if self._seen else inf)

    @property
    def status(self) -> str:
        """What `kubectl get pod` shows as STATUS."""
        if self.backing_off:
            return "CrashLoopBackOff"
        if self._post_start_failed:
            return "PostStartHookError"
        if self.exit_code is not None:
            return "Error" if self.exit_code else "Completed"
        # A container whose postStart hook still runs is not shown as running.
        return "Running" if self._seen or self._instances > 1 else "ContainerCreating"

    @property
    def steady(self) -> bool:
        """Whether checks that pass would change nothing, so that they may be left out."""
        return self._seen and self._agenda.next == inf and self._probers.steady

    def skip(self, now: float) -> None:
        """Let the checks up to now have passed, while `steady`."""
        self._probers.skip(now)

    def start(self, now: float, *, init: Sequence[float] = ()) -> list[Step]:
        """Take on the pod: the tickers of its probes start, and its container is to be.

        `init` are the seconds that each of the init containers before it takes.
        """
        self._probers.begin(self.container.probes, now - TICKER_LEAD)
        self._restarter.init = init
        takes = self._restarter.init_takes()
        if takes:
            self._agenda.at(now + takes, "start", self._restarter.start)
        else:
            self._restarter.start()
        return self._drain(now)

    def started(self, now: float) -> list[Step]:
        """Take note that the container runs."""
        self.running = True
        self._restarter.starting = False
        self._post_start_failed = False
        self.exit_code = self._killed_by = None
        self._journal.restarts = self._instances
        self._instances += 1
        self._started_at = now
        text = messages.started(self.container.name, self.rules)
        self._journal.event(now, "Normal", "Started", text)
        if self.container.post_start:
            self.in_post_start = True
            self._journal.add(RunPostStart())
        else:
            self._await_seen(now)
        return self._drain(now)

    def post_started(self, now: float, *, success: bool) -> list[Step]:
        """Take note that the hook after the start has ended, well or not."""
        if self.in_post_start:
            self.in_post_start = False
            if not success:
                self._fail_post_start(now)
                self._stopping = True
                self._stop.begin(now, self.container.grace)
            elif self._with_pod:
                self._end_with_pod(now)
            else:
                self._await_seen(now)
        return self._drain(now)

    def checked(self, now: float, kind: ProbeKind, outcome: Outcome) -> list[Step]:
        """Take note of how the check of this probe ended."""
        prober = self._probers[kind]
        if outcome.success is None:
            if self._seen and prober.tries_again():
                self._journal.add(RunCheck(prober.probe))
            else:
                prober.abandon()
                text = messages.errored(kind, outcome.message, outcome.state, self.rules)
                self._journal.event(now, "Warning", "Unhealthy", text)
            return self._drain(now)
        if not outcome.success:
            text = messages.failed(kind, outcome.message)
            self._journal.event(now, "Warning", "Unhealthy", text)
        elif outcome.message:
            text = messages.warned(kind, outcome.message)
            self._journal.event(now, "Warning", "ProbeWarning", text)
        if prober.finish(success=outcome.success) and self.running:
            self._probers.started |= kind == "startup" and outcome.success
            self._heed_probes(now)
        return self._drain(now)

    def pre_stopped(self, now: float, *, success: bool = True) -> list[Step]:
        """Take note that the hook before SIGTERM has ended, well or not.

        A command or a page that the grace cut short has failed; a sleep has not.
        """
        if not success:
            self._journal.event(now, "Warning", "FailedPreStopHook", messages.PRE_STOP_FAILED)
        self._stop.hook_ended(now)
        return self._drain(now)

    def exited(self, now: float, code: int, termination_message: str = "") -> list[Step]:
        """Take note that the container has ended; 128 + N stands for signal N.

        Where kubelet does not see that at once, it may ask for a check of it meanwhile.
        """
        self.running = False
        self.exit_code = code
        self._restarter.exited(now)
        self._agenda.clear()
        level: EventType = "Warning" if code else "Normal"
        text = messages.exited(self.container.name, code)
        self._journal.state(now, level, "Exited", text, termination_message)
        if self.in_post_start:
            self.in_post_start = False
            self._fail_post_start(now)
        restarts = bool(self._killed_by) and self._restarter.restarts_killed
        # Kill and restart are one pass: the status goes from one running instance to the next.
        self._keeps_started = restarts and self.rules.has("kept start")
        if self._with_pod:
            self._seen = self._with_pod = False
            self._update_ready(now)
            self._agenda.at(now + RESTART_TAKES, "start", self._restarter.start)
        elif restarts:
            self._seen = False
            self._agenda.at(now + RESTART_TAKES, "start", self._restart_killed)
        else:
            self._await_exit_seen(now)
        self._stopping = False
        return self._drain(now)

    def restarts_pod(self) -> bool:
        """Say, once, that by a rule for its exit the others start again, too: see `restart`."""
        asked, self._restarter.restarts_pod = self._restarter.restarts_pod, False
        return asked

    def restart(self, now: float) -> list[Step]:
        """End the container and start it again, for the rule of another one of its pod.

        It gets 2 s, no hook, and no back-off. One that has ended, for good or not, starts again,
        too: an init container that is done as well.
        """
        if self.running:
            self._with_pod = True
            # During the hook after the start kubelet looks at nothing of the pod.
            if not self._stopping and not self.in_post_start:
                self._end_with_pod(now)
        elif not self._restarter.starting:
            self._agenda.clear()
            self._seen = self._keeps_started = self.finished = False
            self._update_ready(now)
            self._restarter.start_with_pod(now)
        return self._drain(now)

    def wake(self, now: float) -> list[Step]:
        """Do what is due."""
        self._agenda.run(now)
        return self._drain(now)

    def _drain(self, now: float) -> list[Step]:
        if self._seen:
            # kubelet knows of the start only in which second of the wall clock it was.
            age = floor(now + self._fraction) - floor(self._started_at + self._fraction)
            for probe in self._probers.poll(now, age):
                self._journal.add(RunCheck(probe))
            if self._probers.finds_unstarted() and self.running:
                self._heed_probes(now)
        return self._journal.take()

    def _end_with_pod(self, now: float) -> None:
        self._stopping = True
        self._agenda.clear()
        self._journal.event(now, "Normal", "Killing", messages.KILLED_WITH_POD)
        self._stop.begin(now, 0)

    def _fail_post_start(self, now: float) -> None:
        self._post_start_failed = True
        self._journal.event(now, "Warning", "FailedPostStartHook", messages.POST_START_FAILED)
        self._journal.event(now, "Normal", "Killing", messages.KILLED_FOR_POST_START)

    def _await_seen(self, now: float) -> None:
        at_once = self.rules.has("relist at once")
        delay = SEEN_AFTER if at_once else self._random.uniform(SEEN_AFTER, RELIST)
        self._agenda.at(now + delay, "see", self._see)

    def _see(self, now: float) -> None:
        self._seen = True
        self._probers.meet(now, keep_started=self._keeps_started)
        self._update_ready(now)
        self._looks.begin(now, new_pod=self._instances == 1)

    def _update_ready(self, now: float) -> None:
        ready = self._seen and self._probers.ready
        if ready:
            self._looks.ready()
        if ready != self.ready:
            self.ready = ready
            name = self.container.name
            if ready:
                self._journal.state(now, "Normal", "Ready", f"Container {name} is ready")
            else:
                self._journal.state(now, "Warning", "NotReady", f"Container {name} is not ready")

    def _heed_probes(self, now: float) -> None:
        self._update_ready(now)
        # While it ends a container kubelet looks at nothing else of the pod.
        if not self._stopping:
            self._looks.request(now)

    def _kill(self, probe: Probe, now: float) -> None:
        container = self.container
        restarts = self._restarter.restarts_killed
        grace = container.grace if probe.grace is None else probe.grace
        text = messages.killed(container, probe.kind, restarts=restarts)
        if container.alone and not restarts:
            # Nothing is left to run: the whole pod is stopped, with the pod's own grace.
            grace = container.grace
            text = messages.stopping(container.name)
        self._stopping = True
        self._killed_by = probe.kind
        self._agenda.clear()
        self._journal.event(now, "Normal", "Killing", text)
        self._stop.begin(now, grace)

    def _await_exit_seen(self, now: float) -> None:
        self._agenda.at(now + self._random.uniform(0, RELIST), "see", self._see_exit)

    def _see_exit(self, now: float) -> None:
        self._seen = self._keeps_started = False
        self._update_ready(now)
        code = self.exit_code or 0
        self.finished = not self._restarter.start_after_exit(now, code)
        if self.finished and self._killed_by and code == 0:
            text = messages.taken_for_success(self.container, self._killed_by)
            self._journal.state(now, "Warning", "Succeeded", text)

    def _restart_killed(self, now: float) -> None:
        if not self._restarter.start_after_kill(now):
            self._await_exit_seen(now)

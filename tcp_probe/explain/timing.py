"""How long a fault goes on before kubelet acts, at least and at most.

The least and the most differ by where in its period a probe happens to be, and by up to a second
in which kubelet waits for news of the container runtime. All of it is for a worker whose checks
pass before the fault, past the `initialDelaySeconds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from tcp_probe._defaults import BACKLOG, STALL_SEEN_WITHIN, STALL_TIMEOUT
from tcp_probe.kubelet.handlers import Exec, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.looks import RELIST
from tcp_probe.kubelet.restart_policy import policy_of
from tcp_probe.kubelet.stop import MINIMUM_GRACE
from tcp_probe.kubelet.versions import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tcp_probe.kubelet.handlers import Handler, Hook
    from tcp_probe.kubelet.prober import Probe, ProbeKind
    from tcp_probe.kubelet.steps import Container


@dataclass(frozen=True)
class Span:
    """Seconds, at least and at most."""

    least: float
    most: float

    def later(self, least: float, most: float) -> Span:
        """Shift both ends."""
        return Span(self.least + least, self.most + most)


@dataclass(frozen=True)
class Figures:
    """What follows from one fault, in seconds after it; None where the manifest does not tell.

    `killed` is when kubelet decides, and sends the event Killing; `sigterm` comes then, or where
    there is a preStop hook at its end.
    """

    killed: Span | None
    sigterm: Span | None
    new_container: Span | None
    not_ready: Span | None

    def until(self, latest: Figures) -> Figures:
        """Return the figures from these, at least, to the latest, at most."""

        def joined(first: Span | None, last: Span | None) -> Span | None:
            return first and last and Span(first.least, round(last.most, 3))

        return Figures(
            joined(self.killed, latest.killed),
            joined(self.sigterm, latest.sigterm),
            joined(self.new_container, latest.new_container),
            joined(self.not_ready, latest.not_ready),
        )


class Timing:
    """The figures of one container.

    `backlog` and `stall_timeout` are those that the worker passes to `tcp_probe.serve`; a backlog
    of None stands for a worker of which it is not known how many connections its queue takes.
    The hooks count where they sleep; how long another one takes, only running it tells. `rules` are
    those of the cluster's version, by default the newest.

    >>> probe = Probe("liveness", period=10, failure_threshold=3)
    >>> Timing(Container("worker", (probe,)), {"liveness": TcpSocket(9090)}).refusal().killed
    Span(least=20, most=31)
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        container: Container,
        handlers: Mapping[ProbeKind, Handler],
        backlog: int | None = BACKLOG,
        stall_timeout: float = STALL_TIMEOUT,
        *,
        pre_stop: Hook | None = None,
        post_start: Hook | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._container = container
        self._handlers = handlers
        self.backlog = backlog
        self.stall_timeout = stall_timeout
        self.pre_stop = pre_stop
        self.post_start = post_start
        self.rules = rules or Rules()
        self._policy = policy_of(container, self.rules)
        self._probes = {probe.kind: probe for probe in container.probes}

    @property
    def grace(self) -> float:
        """How long the container may take to end once its liveness probe has failed."""
        return max(self._grace, MINIMUM_GRACE)

    @property
    def ends_for_good(self) -> bool:
        """Whether there is no new container after this one, whatever its exit code."""
        return self._policy == "Never" and not self._container.restart_rules

    @property
    def _grace(self) -> float:
        probe = self._probes.get("liveness")
        whole_pod = self._policy == "Never" and self._container.alone
        own = None if probe is None or whole_pod else probe.grace
        return self._container.grace if own is None else own

    def start(self) -> Span | None:
        """How long a start may take before it is killed; None where no probe watches it.

        Before a postStart hook has ended no probe runs; where that is not known, its time comes on
        top.
        """
        probe = self._probes.get("startup") or self._probes.get("liveness")
        if probe is None:
            return None
        hook = self.post_start.seconds if isinstance(self.post_start, Sleep) else 0
        # kubelet knows the start without its part of a second, so the delay may end that early.
        cut = min(probe.initial_delay, 1)
        least = max(probe.initial_delay - cut, hook)
        most = max(probe.initial_delay, hook)
        more, takes = probe.failure_threshold - 1, self._takes(probe)
        return Span(
            least + more * probe.period,
            most + probe.period + more * max(probe.period, takes) + takes + RELIST,
        )

    def ready_again(self) -> Span | None:
        """How long after checks pass again the container is ready; None without a probe."""
        probe = self._probes.get("readiness")
        if probe is None:
            return None
        most = probe.success_threshold * probe.period
        # While the pod is not ready, kubelet checks once out of turn every 60 to 90 s.
        return Span(max(most - 2 * probe.period, 0), most)

    def refusal(self) -> Figures:
        """After every port of the worker refuses, and every command of a probe fails."""
        return self._figures(self._refused, heard=True)

    def standstill(self) -> Figures:
        """After the process stands still: stopped, or never letting go of the GIL."""
        return self._figures(self._unanswered, heard=False)

    def stall(self) -> Figures:
        """After the event loop stalls, where the port refuses from `stall_timeout` on."""
        return self._figures(self._stalled, heard=False)

    def stall_seen_late(self) -> Figures:
        """After the event loop stalls, where that is seen as late as it can be."""
        latest = self.stall_timeout * STALL_SEEN_WITHIN
        return Timing(
            self._container,
            self._handlers,
            self.backlog,
            latest,
            pre_stop=self.pre_stop,
            rules=self.rules,
        ).stall()

    def _figures(self, failed: Callable[[Probe], Span | None], *, heard: bool) -> Figures:
        liveness = self._probes.get("liveness")
        readiness = self._probes.get("readiness")
        decided = failed(liveness) if liveness else None
        not_ready = failed(readiness) if readiness else None
        if decided is None:
            return Figures(None, None, None, None if liveness else not_ready)
        killed = decided.later(0, RELIST)
        hook = self._hook_takes()
        sigterm = killed.later(hook.least, hook.most)
        # Whatever the hook has taken, some seconds are left for SIGTERM.
        rest = Span(
            max(self._grace, hook.least + MINIMUM_GRACE),
            max(self._grace, hook.most + MINIMUM_GRACE),
        )
        ended = killed.later(rest.least, rest.most)
        if heard:
            ended = Span(sigterm.least, ended.most)
        restarts = self._policy != "Never"
        if readiness is None:
            # From one running container to the next the pod stays ready.
            not_ready = None if restarts else ended
        elif not_ready:
            # The end may come before the last check. Then the new container is not ready yet, once
            # kubelet has seen it.
            least, most = min(not_ready.least, ended.least), min(not_ready.most, ended.most)
            cut_off = ended.least < not_ready.most and not self.rules.has("relist at once")
            not_ready = Span(least, most + (RELIST if cut_off else 0))
        return Figures(killed, sigterm, ended if restarts else None, not_ready)

    def _hook_takes(self) -> Span:
        """How long the preStop hook takes, which is at most the grace."""
        if self.pre_stop is None:
            return Span(0, 0)
        if isinstance(self.pre_stop, Sleep):
            seconds = min(self.pre_stop.seconds, self._grace)
            return Span(seconds, seconds)
        # kubelet has no tcpSocket hook: it fails at once.
        return Span(0, 0 if isinstance(self.pre_stop, TcpSocket) else self._grace)

    def _takes(self, probe: Probe) -> float:
        """How long a check of a worker that refuses may take."""
        return 0 if isinstance(self._handlers[probe.kind], TcpSocket | HttpGet) else probe.timeout

    def _refused(self, probe: Probe) -> Span:
        takes = self._takes(probe)
        more = probe.failure_threshold - 1
        return Span(more * probe.period, probe.period + more * max(probe.period, takes) + takes)

    def _unanswered(self, probe: Probe) -> Span | None:
        blocked = self._first_blocked(probe)
        spacing = max(probe.period, probe.timeout)
        takes = (probe.failure_threshold - 1) * spacing + probe.timeout
        return blocked and blocked.later(takes, takes)

    def _stalled(self, probe: Probe) -> Span | None:
        blocked = self._first_blocked(probe)
        if blocked is None:
            return None
        period, threshold, refuses_at = probe.period, probe.failure_threshold, self.stall_timeout
        # Without an answer a check takes its whole timeout, and where that is the longer one, the
        # next one begins at its end.
        spacing = max(period, probe.timeout)

        def failures(first: float) -> int:
            return max(ceil((refuses_at - first) / spacing), 0)

        unanswered = (threshold - 1) * spacing
        most_failures, least_failures = failures(blocked.least), failures(blocked.most)
        if most_failures >= threshold:
            least = min(blocked.least + unanswered + probe.timeout, refuses_at)
        else:
            # A check that was due meanwhile is made up for, right before the next one perhaps.
            made_up = most_failures and spacing > period
            more = threshold - most_failures - (2 if made_up else 1)
            least = refuses_at + max(more, 0) * period
        if least_failures >= threshold or not isinstance(self._handlers[probe.kind], TcpSocket):
            most = blocked.most + unanswered + probe.timeout
        elif least_failures:
            most = refuses_at + spacing + (threshold - least_failures - 1) * period
        else:
            most = refuses_at + threshold * period
            if most_failures:
                most = max(most, refuses_at + spacing + max(threshold - 2, 0) * period)
        return Span(least, most)

    def _first_blocked(self, probe: Probe) -> Span | None:
        """When the first check begins that gets no answer, after the process stands still.

        A connection is answered by the kernel while there is room in the listen queue, which
        every probe of the port fills; a page needs the process. Of a command nothing is known.
        """
        handler = self._handlers[probe.kind]
        if isinstance(handler, Exec):
            return None
        if not isinstance(handler, TcpSocket):
            return Span(0, probe.period)
        if self.backlog is None:
            return None
        others = [
            other
            for other in self._container.probes
            if other.kind not in (probe.kind, "startup")
            and not isinstance(at := self._handlers[other.kind], Exec)
            and at.port == handler.port
        ]
        pages = [each for each in others if not isinstance(self._handlers[each.kind], TcpSocket)]
        passes = self.backlog + 1
        periods = [max(each.period, each.timeout if each in pages else 0) for each in others]
        # A page that does not come makes the pod not ready, on which kubelet checks once more.
        return Span(
            _soonest_full(probe.period, periods, passes - len(pages)),
            _latest_full(probe.period, periods, passes) + probe.period,
        )


def _soonest_full(period: float, others: Sequence[float], passes: int) -> float:
    """When a check of this period may first be blocked: all check right after the fault."""
    return next(
        time
        for time in _ticks(period, others, passes)
        if floor(time / period) + sum(floor(time / each) + 1 for each in others) >= passes
    )


def _latest_full(period: float, others: Sequence[float], passes: int) -> float:
    """When a check of this period passes for the last time: none checks for a whole period."""
    return max(
        time
        for time in _ticks(period, others, passes)
        if sum(max(ceil(time / each), 1) - 1 for each in (period, *others)) < passes
    )


def _ticks(period: float, others: Sequence[float], passes: int) -> list[float]:
    return sorted({count * each for each in (period, *others) for count in range(passes + 1)})

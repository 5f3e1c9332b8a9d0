from __future__ import annotations

from collections import Counter, deque
from math import ceil
from typing import TYPE_CHECKING

from tcp_probe.kubelet.messages import CONTAINER_EXITED

if TYPE_CHECKING:
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.kubelet.state_machine import Kubelet
    from tcp_probe.kubelet.steps import Event, Outcome


MINUTE = 60
HOUR = 3600
# So many lines of what a container has printed last are looked through for its reason.
LINES = 300
# In seconds: what kubelet takes at most to see that a container runs, and a slow machine beside.
SEEN_WITHIN = 3


class Summary:
    """What the rehearsal of one container came to, gathered from its events and checks.

    `probes` are the kinds that it has, with the handler of each: `tcpSocket`, `exec` and so on.
    `awaited` says that the container is to become ready: an init container is not.
    """

    def __init__(
        self, name: str, probes: dict[ProbeKind, str] | None = None, *, awaited: bool = True
    ) -> None:
        self.name = name
        self.probes = probes or {}
        self.ready_after: float | None = None
        self.killed = False
        self.backed_off = False
        self.finished_with: int | None = None
        self.unready_at_end = False
        self.failing_at_end = False
        self.hangs_at_end = False
        self.crashed_at_end = False
        self.in_post_start = False
        self.restarts: Counter[str] = Counter()
        self.remarks: list[str] = []
        # The last failure of a probe that kills, of the one that did, and of readiness.
        self.failure = ""
        self.fatal = ""
        self.not_ready = ""
        self.post_start_failed = False
        self.exit_code: int | None = None
        # From how long on a rehearsal sees each probe checked (s).
        self.checked_within: dict[ProbeKind, int] = {}
        self._started_at: float | None = None
        self._ready_at = 0.0
        self._awaited = awaited
        self._checks: Counter[tuple[ProbeKind, bool | None]] = Counter()
        self._errors: dict[ProbeKind, str] = {}
        self._last: dict[ProbeKind, bool | None] = {}
        self._cause = ""
        self._exited_at = 0.0
        self._fatal_log = ""
        self._log: deque[str] = deque(maxlen=LINES)

    @property
    def exit_status(self) -> int:
        """0 where the container became ready, and stayed as it was; else 1.

        That is: it is ready at the end and its last liveness check passed, no probe killed it, it
        was never backed off, it has not just ended with an error, and each probe could be made.
        A liveness probe that was never checked says nothing of the worker, so that is not well.
        """
        # What is done within a moment, and nobody asks whether it is ready, need not have been.
        done = self.finished_with == 0 and "readiness" not in self.probes
        awaited = self._awaited and not done
        unready = awaited and (self.ready_after is None or self.unready_at_end)
        failed = bool(self.finished_with) or self.post_start_failed or self.failing_at_end
        # What kubelet is about to see: until then the queue of the port answers.
        failed = failed or self.crashed_at_end
        failed = failed or (self.hangs_at_end and "liveness" in self.probes)
        unasked = "liveness" in self.unchecked and self.finished_with is None
        failed = failed or unasked or bool(self.unmade)
        return int(unready or failed or self.killed or self.backed_off)

    @property
    def log(self) -> str:
        """What the container has said last: what it printed, and its termination messages."""
        return "\n".join(self._log)

    @property
    def fatal_log(self) -> str:
        """What it had said when a probe last killed it; a later end has another reason."""
        return self._fatal_log or self.log

    @property
    def unmade(self) -> dict[ProbeKind, str]:
        """The probes of which no check came to a result, and what came instead."""
        return {kind: error for kind, error in self._errors.items() if not self._results(kind)}

    @property
    def unchecked(self) -> list[ProbeKind]:
        """The probes of which there was no check at all."""
        return [kind for kind in self.probes if not (self._results(kind) or kind in self._errors)]

    def ever_passed(self, kind: ProbeKind) -> bool:
        """Say whether any check of a probe has passed."""
        return self._checks[kind, True] > 0

    def add(self, event: Event) -> None:
        """Take one event into account."""
        if event.reason == "Unhealthy" and not event.message.startswith("Readiness"):
            self.failure = event.message
        elif event.reason == "Unhealthy":
            self.not_ready = event.message
        elif event.reason == "Killing":
            self.killed = True
            self.fatal = self.failure
            self._cause = self.failure or event.message
        elif event.reason == "FailedPostStartHook":
            self.post_start_failed = True
        elif event.reason == "Exited":
            self._exited(event)
        elif event.reason == "BackOff":
            self.backed_off = True
        elif event.reason == "Ready":
            self._ready_at = event.time
            if self.ready_after is None:
                self.ready_after = event.time
        elif event.reason == "Started":
            self._started(event)

    def check(self, kind: ProbeKind, outcome: Outcome) -> None:
        """Take one check into account."""
        self._checks[kind, outcome.success] += 1
        self._last[kind] = outcome.success
        if outcome.success is None and outcome.message != CONTAINER_EXITED:
            self._errors[kind] = outcome.message

    def output(self, line: str) -> None:
        """Take note of a line that the container has printed."""
        self._log.append(line)

    def remark(self, text: str) -> None:
        """Take note of why checks fail, as far as that can be seen from outside."""
        self.remarks.append(text)

    def end(self, kubelet: Kubelet) -> None:
        """Take note of how it stands at the end."""
        if kubelet.finished:
            self.finished_with = kubelet.exit_code
        done = kubelet.finished and not kubelet.exit_code
        self.unready_at_end = not (kubelet.ready or done)
        self.failing_at_end = kubelet.running and self._last.get("liveness") is False
        # Whether it is to start again or not: kubelet may not have seen its end yet.
        self.crashed_at_end = not kubelet.running and bool(kubelet.exit_code)
        self.in_post_start = kubelet.in_post_start
        if self._started_at is None:
            return
        for probe in kubelet.container.probes:
            # Liveness and readiness wait for the end of the start-up, a hook's too.
            since = 0.0 if probe.kind == "startup" else self._ready_at
            since = max(since, self._started_at + probe.initial_delay)
            self.checked_within[probe.kind] = ceil(since + probe.period + SEEN_WITHIN)

    def story(self) -> list[str]:
        """Tell the time to ready, and the restarts with their causes."""
        ready = self.ready_after
        lines = []
        if self._awaited:
            lines.append("never ready" if ready is None else f"ready after {ready:.1f} s")
            if ready is not None and self.unready_at_end:
                lines.append("not ready at the end")
        if self.failing_at_end:
            lines.append("the liveness probe fails at the end")
        elif self.hangs_at_end:
            lines.append("it stands still at the end, and only its queue answers checks")
        total = sum(self.restarts.values())
        lines.append(f"{total or 'no'} restart{'' if total == 1 else 's'}")
        lines += [f"  {times} x {cause.strip()}" for cause, times in self.restarts.items()]
        lines += [f"the {kind} probe was not checked in this time" for kind in self.unchecked]
        return lines

    def pod(self, kubelet: Kubelet, now: float) -> dict[str, str]:
        """Show the pod as `kubectl get pod` would."""
        restarts = str(kubelet.restarts)
        if kubelet.restarts:
            restarts += f" ({age(now - self._exited_at)} ago)"
        return {
            "NAME": self.name,
            "READY": "1/1" if kubelet.ready else "0/1",
            "STATUS": kubelet.status,
            "RESTARTS": restarts,
            "AGE": age(now),
        }

    def _results(self, kind: ProbeKind) -> int:
        return self._checks[kind, True] + self._checks[kind, False]

    def _started(self, event: Event) -> None:
        self._started_at = event.time
        if event.restarts:
            self.restarts[self._cause] += 1
            self._cause = ""

    def _exited(self, event: Event) -> None:
        if not self._cause:
            self.exit_code = int(event.message.rpartition(" ")[2])
        else:
            self._fatal_log = "\n".join([*self._log, *event.termination_message.splitlines()])
        self._cause = self._cause or event.message
        self._exited_at = event.time
        self._log += event.termination_message.splitlines()
        self.failure = ""


def age(seconds: float) -> str:
    """Write seconds as kubectl writes ages: 119s, 5m30s, 12m, 3h5m."""
    whole = int(seconds)
    if whole < 2 * MINUTE:
        return f"{whole}s"
    minutes, rest = divmod(whole, MINUTE)
    if whole < 10 * MINUTE:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if whole < 3 * HOUR:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}h{minutes}m" if minutes and whole < 8 * HOUR else f"{hours}h"

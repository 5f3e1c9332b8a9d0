"""A pod as the API server gives it, read leniently: any field may be missing, or be anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from tcp_probe.kubelet import recognise
from tcp_probe.kubelet.stop import MINIMUM_GRACE

from .json_fields import entries, find, flag, mapping, number, text, texts, time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tcp_probe.kubelet.prober import ProbeKind

Role = Literal["app", "sidecar", "init", "ephemeral"]
HANDLERS = ("tcpSocket", "httpGet", "exec", "grpc")
KILLING: tuple[ProbeKind, ...] = ("startup", "liveness")
_DEFAULT_GRACE = 30


@dataclass(frozen=True)
class ProbeSpec:
    """A probe as the spec of a running pod has it, Kubernetes' defaults filled in."""

    kind: ProbeKind
    spec: Any

    @property
    def handler(self) -> str:
        """How it checks: `tcpSocket`, `httpGet`, `exec` or `grpc`; empty where nothing says."""
        return next((name for name in HANDLERS if find(self.spec, name) is not None), "")

    @property
    def port(self) -> int | str:
        """The number or the name of the port it asks; 0 for none."""
        port = find(self.spec, self.handler, "port")
        return port if isinstance(port, int | str) else 0

    @property
    def connects(self) -> bool:
        """Whether it asks a port by TCP or HTTP."""
        return self.handler in {"tcpSocket", "httpGet"}

    @property
    def command(self) -> tuple[str, ...]:
        """What an exec probe runs."""
        return texts(self.spec, "exec", "command")

    @property
    def period(self) -> int:
        """Seconds between checks."""
        return number(self.spec, "periodSeconds", default=10)

    @property
    def timeout(self) -> int:
        """Seconds that a check may take."""
        return number(self.spec, "timeoutSeconds", default=1)

    @property
    def delay(self) -> int:
        """Seconds before the first check."""
        return number(self.spec, "initialDelaySeconds")

    @property
    def threshold(self) -> int:
        """How many failures in a row count."""
        return number(self.spec, "failureThreshold", default=3)

    @property
    def grace(self) -> int:
        """Its own terminationGracePeriodSeconds; 0 for none."""
        return number(self.spec, "terminationGracePeriodSeconds")

    @property
    def soonest_kill(self) -> int:
        """The seconds after a start before which it cannot have failed often enough.

        kubelet compares the delay with a start that is cut to whole seconds.
        """
        return max(self.delay - 1, 0) + (self.threshold - 1) * self.period


@dataclass(frozen=True)
class Death:
    """How a container ended, as `terminated` says."""

    terminated: Any
    code: int
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None

    @property
    def life(self) -> float | None:
        """How many seconds it ran; None where that is not known."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()


class Container:
    """One container of a pod, what is asked of it and how it is."""

    def __init__(self, pod: Pod, role: Role, spec: Any, status: Any) -> None:
        self.pod = pod
        self.role = role
        self.spec = spec
        self.status = status
        self.name = text(spec, "name") or text(status, "name")

    @cached_property
    def probes(self) -> Mapping[ProbeKind, ProbeSpec]:
        """Its probes by kind."""
        kinds: tuple[ProbeKind, ...] = ("startup", "liveness", "readiness")
        found = {kind: mapping(self.spec, f"{kind}Probe") for kind in kinds}
        return {kind: ProbeSpec(kind, spec) for kind, spec in found.items() if spec}

    @property
    def restarts(self) -> int:
        """How often it was restarted."""
        return number(self.status, "restartCount")

    @property
    def ready(self) -> bool:
        """Whether it is ready."""
        return flag(self.status, "ready") is True

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return find(self.status, "state", "running") is not None

    @property
    def running_since(self) -> datetime | None:
        """Since when it runs."""
        return time(self.status, "state", "running", "startedAt")

    @property
    def waiting(self) -> tuple[str, str]:
        """Why it waits to start, reason and message; empty where it does not."""
        waits = find(self.status, "state", "waiting")
        return text(waits, "reason"), text(waits, "message")

    @cached_property
    def deaths(self) -> tuple[Death, ...]:
        """How it ended, last first: at most two are kept."""
        kept = (find(self.status, state, "terminated") for state in ("state", "lastState"))
        return tuple(_death(each) for each in kept if isinstance(find(each, "exitCode"), int))

    @property
    def ended(self) -> bool:
        """Whether it has ended and not been started again so far."""
        return find(self.status, "state", "terminated") is not None

    @property
    def restart_policy(self) -> str:
        """What holds for this container: `Always`, `OnFailure` or `Never`."""
        if self.role == "sidecar":
            return "Always"
        own = text(self.spec, "restartPolicy")
        policy = own or text(self.pod.spec, "restartPolicy") or "Always"
        return "OnFailure" if self.role == "init" and policy == "Always" else policy

    @property
    def alone(self) -> bool:
        """Whether the pod has no other container that runs beside it."""
        return len(entries(self.pod.spec, "containers")) <= 1

    def grace(self, kind: ProbeKind | None = None) -> float:
        """Return the seconds it gets to end, killed by that probe, or with the whole pod."""
        own = self.probes[kind].grace if kind else 0
        if self.restart_policy == "Never" and self.alone:
            own = 0
        return max(own or self.pod.grace, MINIMUM_GRACE)

    @property
    def back_off(self) -> float | None:
        """The seconds it waits before its next start; None where it does not."""
        reason, message = self.waiting
        return recognise.back_off(message) if reason == "CrashLoopBackOff" else None

    @property
    def ports(self) -> dict[str, int]:
        """Its named ports."""
        listed = entries(self.spec, "ports")
        return {text(port, "name"): number(port, "containerPort") for port in listed}

    def port_of(self, probe: ProbeSpec) -> int | None:
        """Return the number of the port that a probe asks; None where there is no such port."""
        port = probe.port
        if isinstance(port, str):
            return self.ports.get(port, int(port) if port.isdecimal() else 0) or None
        return port or None


class Pod:
    """A pod."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.spec = mapping(document, "spec")
        self.status = mapping(document, "status")
        self.meta = mapping(document, "metadata")
        self.name = text(self.meta, "name") or "unnamed"
        self.namespace = text(self.meta, "namespace") or "default"
        self.uid = text(self.meta, "uid")

    @property
    def phase(self) -> str:
        """Pending, Running, Succeeded, Failed or Unknown."""
        return text(self.status, "phase")

    @property
    def grace(self) -> int:
        """Seconds that its containers get to end."""
        return number(self.spec, "terminationGracePeriodSeconds", default=_DEFAULT_GRACE)

    @property
    def workload(self) -> str:
        """What it belongs to: a pod of the same is like it."""
        owner = next(iter(entries(self.meta, "ownerReferences")), {})
        return f"{self.namespace}/{text(owner, 'name') or self.name}"

    @cached_property
    def conditions(self) -> dict[str, dict[str, Any]]:
        """Its conditions by type."""
        return {text(each, "type"): each for each in entries(self.status, "conditions")}

    @property
    def never_ready(self) -> bool:
        """Whether it has not been ready since its start."""
        ready = self.conditions.get("Ready", {})
        changed, started = time(ready, "lastTransitionTime"), time(self.status, "startTime")
        if text(ready, "status") != "False" or changed is None or started is None:
            return False
        return (changed - started).total_seconds() <= 1

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """All of its containers, in the order in which they start."""
        return tuple(self._containers())

    def _containers(self) -> Iterator[Container]:
        for role, field in (
            ("init", "initContainer"),
            ("app", "container"),
            ("ephemeral", "ephemeralContainer"),
        ):
            statuses = entries(self.status, f"{field}Statuses")
            by_name = {text(status, "name"): status for status in statuses}
            specs = entries(self.spec, f"{field}s")
            for spec in specs:
                sidecar = role == "init" and text(spec, "restartPolicy") == "Always"
                status = by_name.pop(text(spec, "name"), {})
                yield Container(self, "sidecar" if sidecar else role, spec, status)  # type: ignore[arg-type]
            for status in by_name.values():
                yield Container(self, role, {}, status)  # type: ignore[arg-type]


def _death(terminated: Any) -> Death:
    return Death(
        terminated,
        int(find(terminated, "exitCode")),
        text(terminated, "reason"),
        text(terminated, "message"),
        time(terminated, "startedAt"),
        time(terminated, "finishedAt"),
    )

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from .prober import Probe

EventType = Literal["Normal", "Warning"]
RestartPolicy = Literal["Always", "OnFailure", "Never"]
RESTART_POLICIES: tuple[RestartPolicy, ...] = get_args(RestartPolicy)


@dataclass(frozen=True)
class Container:
    """What kubelet has to know of a container. `grace` is the pod's, in seconds.

    `pre_stop` says that a hook runs before SIGTERM; `alone`, that the pod has no other container.
    """

    name: str
    probes: tuple[Probe, ...] = ()
    grace: float = 30
    restart_policy: RestartPolicy = "Always"
    pre_stop: bool = False
    alone: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a check ended: success, failure, or None for an error, which kubelet does not count."""

    success: bool | None
    message: str = ""


@dataclass(frozen=True)
class Event:
    """Something to report, as `kubectl describe pod` would show it; `time` is in seconds."""

    time: float
    type: EventType
    reason: str
    message: str
    restarts: int


@dataclass(frozen=True)
class StartContainer:
    """Start the container, then call `Kubelet.started`."""


@dataclass(frozen=True)
class RunCheck:
    """Run the check of this probe, then call `Kubelet.checked`."""

    probe: Probe


@dataclass(frozen=True)
class RunPreStop:
    """Run the hook for at most `limit` seconds, then call `Kubelet.pre_stopped`."""

    limit: float


@dataclass(frozen=True)
class Terminate:
    """Send SIGTERM. `Kill` follows after `grace` seconds without a call of `Kubelet.exited`."""

    grace: float


@dataclass(frozen=True)
class Kill:
    """Send SIGKILL, then call `Kubelet.exited`."""


Step = Event | StartContainer | RunCheck | RunPreStop | Terminate | Kill

"""What kubelet knows of a container, what it asks to be done, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .prober import Probe
    from .restart_policy import RestartPolicy, RestartRule

EventType = Literal["Normal", "Warning"]
# An event is what kubelet sends to the API, in its exact words; a state is what can be seen of the
# pod, but is sent by nobody: Exited, Ready, NotReady, Succeeded.
EventKind = Literal["event", "state"]
# What an errored check counts as, in the words of kubelet's event.
ErrorState = Literal["unknown", "failure"]
# A pod gets its UID from the API server; what is only rehearsed has none.
NO_UID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Container:
    """What kubelet has to know of a container; the defaults are those of Kubernetes.

    `restart_policy` and `grace` (in seconds) are the pod's. `own_restart_policy` and
    `restart_rules` are the container's own, heeded from Kubernetes 1.35 on. `sidecar` marks an init
    container with the restartPolicy Always: it restarts whatever the pod's policy says.
    `pre_stop` and `post_start` say that there are such hooks. `stop_signal` ends the container in
    place of the one its image names, SIGTERM for most. `alone` says that the pod has no other
    container; `pod` is what kubelet calls it in its messages: NAME_NAMESPACE(UID).
    """

    name: str
    probes: tuple[Probe, ...] = ()
    grace: float = 30
    restart_policy: RestartPolicy = "Always"
    pre_stop: bool = False
    alone: bool = True
    own_restart_policy: RestartPolicy | None = None
    restart_rules: tuple[RestartRule, ...] = ()
    sidecar: bool = False
    post_start: bool = False
    stop_signal: str = "SIGTERM"
    pod: str = f"pod_default({NO_UID})"


@dataclass(frozen=True)
class Outcome:
    """How a check ended: success, failure, or None for an error, which kubelet does not count.

    `message` stands after `Liveness probe failed: `; with a success it is a warning. `state` is
    what an error resulted in: "unknown", but "failure" for a page whose body did not come.
    """

    success: bool | None
    message: str = ""
    state: ErrorState = "unknown"


@dataclass(frozen=True)
class Event:
    """Something to report; `time` is in seconds.

    Of kind "event" it is what `kubectl describe pod` shows, word for word; of kind "state", what
    can be seen of the pod without being an event. `delay` is set for BackOff only: the seconds of
    the waiting message, `back-off 20s restarting failed container=...`. `termination_message` is
    set for Exited, where the container left one.
    """

    time: float
    type: EventType
    reason: str
    message: str
    restarts: int
    kind: EventKind = "event"
    delay: float | None = None
    termination_message: str = ""


@dataclass(frozen=True)
class StartContainer:
    """Start the container, then call `Kubelet.started`."""


@dataclass(frozen=True)
class RunPostStart:
    """Run the hook after the start, without a limit, then call `Kubelet.post_started`.

    No check is made meanwhile. Drop it where the container ends first.
    """


@dataclass(frozen=True)
class RunCheck:
    """Run the check of this probe, then call `Kubelet.checked`.

    An errored check (`Outcome.success` None) is asked for again at once, three times in all. The
    container may have ended less than a second before: nobody answers then, and a command cannot
    be run in it (`messages.CONTAINER_EXITED`, an error).
    """

    probe: Probe


@dataclass(frozen=True)
class RunPreStop:
    """Run the hook for at most `limit` seconds, then call `Kubelet.pre_stopped`."""

    limit: float


@dataclass(frozen=True)
class Terminate:
    """Send `signal`. `Kill` follows after `grace` seconds without a call of `Kubelet.exited`."""

    grace: float
    signal: str = "SIGTERM"


@dataclass(frozen=True)
class Kill:
    """Send SIGKILL, then call `Kubelet.exited`."""


Step = Event | StartContainer | RunPostStart | RunCheck | RunPreStop | Terminate | Kill

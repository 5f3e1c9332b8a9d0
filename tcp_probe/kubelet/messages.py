"""What kubelet says, word for word: of a check that failed, and of a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .go_format import duration, quoted

if TYPE_CHECKING:
    from .prober import ProbeKind
    from .steps import Container, ErrorState
    from .versions import Rules

POST_START_FAILED = "PostStartHook failed"
PRE_STOP_FAILED = "PreStopHook failed"
# Of the Killing of the others, where a rule restarts all containers.
KILLED_WITH_POD = "killing"
# Why a command could not be run, where kubelet has not seen yet that its container has ended.
CONTAINER_EXITED = (
    "rpc error: code = Unknown desc = failed to exec in container: "
    "container is in CONTAINER_EXITED state"
)
# Of the Killing that follows a failed postStart hook.
KILLED_FOR_POST_START = "FailedPostStartHook"
AWAITING = "(Client.Timeout exceeded while awaiting headers)"
READING = "(Client.Timeout or context cancellation while reading body)"


def refused(address: str, reason: str = "connection refused") -> str:
    """Say that nothing listens there, or why else there is no connection."""
    return f"dial tcp {address}: connect: {reason}"


def dial_timed_out(address: str) -> str:
    """Say that connecting took longer than the timeout."""
    return f"dial tcp {address}: i/o timeout"


def get_failed(url: str, reason: str) -> str:
    """Say why a page did not come."""
    return f"Get {quoted(url)}: {reason}"


def http_status(status: int) -> str:
    """Say that a page came with a status that is no success."""
    return f"HTTP probe failed with statuscode: {status}"


def redirects_ended(body: str) -> str:
    """Say, as a warning, that a redirect was not followed; the check has passed."""
    return f"Probe terminated redirects, Response body: {body}"


def command_timed_out(command: tuple[str, ...], seconds: float) -> str:
    """Say that a command took longer than the timeout."""
    return f"command timed out: {quoted(' '.join(command))} timed out after {duration(seconds)}"


def command_cannot_start(command: str, reason: str, number: str) -> str:
    """Say, as the container runtime does, that a command is not there or is no program."""
    return (
        "rpc error: code = Unknown desc = failed to exec in container: failed to start exec "
        f'"{number}": OCI runtime exec failed: exec failed: unable to start container process: '
        f'exec: "{command}": {reason}: unknown'
    )


def grpc_connect_timed_out(address: str, seconds: float) -> str:
    """Say that no gRPC server answered: none listens there, it stands still, or it is another."""
    within = f"within {duration(seconds)}: context deadline exceeded"
    return f"timeout: failed to connect service {quoted(address)} {within}"


def grpc_call_timed_out(seconds: float) -> str:
    """Say that a gRPC server accepted the call and did not answer it."""
    return f"timeout: health rpc did not complete within {duration(seconds)}"


def grpc_unhealthy(status: str) -> str:
    """Say that a gRPC server answered with another status than SERVING."""
    return f"service unhealthy (responded with {quoted(status)})"


def grpc_not_implemented(details: str) -> str:
    """Say that a gRPC server has no health service."""
    service = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
    return f"error: {service}: {details}"


def grpc_failed(code: str, details: str) -> str:
    """Say that the call failed in another way; NotFound is for a service that is not known."""
    return f"error: health rpc probe failed: rpc error: code = {code} desc = {details}"


def started(name: str, rules: Rules) -> str:
    """Say that a container was started."""
    return "Container started" if rules.has("short messages") else f"Started container {name}"


def exited(name: str, code: int) -> str:
    """Say how a container ended; kubelet shows it as a state and sends no event."""
    return f"Container {name} exited with code {code}"


def failed(kind: ProbeKind, reason: str) -> str:
    """Say that a check failed."""
    return f"{kind.capitalize()} probe failed: {reason}"


def warned(kind: ProbeKind, remark: str) -> str:
    """Say that a check passed in an odd way."""
    return f"{kind.capitalize()} probe warning: {remark}"


def errored(kind: ProbeKind, reason: str, state: ErrorState, rules: Rules) -> str:
    """Say that a check could not be made, three times; it counts for nothing."""
    result = f" and resulted in {state} state" if rules.has("error state") else ""
    return f"{kind.capitalize()} probe errored{result}: {reason}"


def stopping(name: str) -> str:
    """Say that a container ends with its pod."""
    return f"Stopping container {name}"


def killed(container: Container, kind: ProbeKind, *, restarts: bool) -> str:
    """Say that a container ends for its probe."""
    if container.sidecar:
        return f"Init container {container.name} failed {kind} probe"
    text = f"Container {container.name} failed {kind} probe"
    return f"{text}, will be restarted" if restarts else text


def backing_off(name: str, pod: str) -> str:
    """Say that a container is left ended for a while; `pod` is as in NAME_NAMESPACE(UID)."""
    return f"Back-off restarting failed container {name} in pod {pod}"


def taken_for_success(container: Container, kind: ProbeKind) -> str:
    """Say that nobody will see that a container was killed; a state, not an event of kubelet."""
    killed = f"Container {container.name} was killed by its {kind} probe, but ended with code 0"
    return f"{killed}: it counts as done{', and a Job as Complete' if container.alone else ''}"

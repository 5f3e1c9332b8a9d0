"""What kubelet says of a check that failed, after `Liveness probe failed: `."""

from __future__ import annotations

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
    return f'Get "{url}": {reason}'


def command_timed_out(command: tuple[str, ...], seconds: float) -> str:
    """Say that a command took longer than the timeout."""
    return f'command timed out: "{" ".join(command)}" timed out after {seconds:g}s'

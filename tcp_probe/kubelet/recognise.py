"""Recognise kubelet's words: what an event's message tells about a probe, a kill, a back-off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from .prober import ProbeKind

# How the checks of a probe failed.
Check = Literal[
    "refused",
    "timed out",
    "reset",
    "status",
    "command",
    "command timed out",
    "grpc",
    "tls",
    "other",
]
CHECKS: tuple[Check, ...] = get_args(Check)

_REPORT = re.compile(
    r"(?P<kind>Liveness|Readiness|Startup) probe (?P<outcome>failed|errored|warning)"
    r"(?: and resulted in \w+ state)?: ?(?P<detail>.*)",
    re.DOTALL,
)
_KILL = re.compile(r"failed (?P<kind>liveness|startup) probe")
_DELAY = re.compile(r"back-off (?P<delay>\S+) restarting failed")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
# An errored check of a container that has just ended says nothing about the probe.
_RACES = ("CONTAINER_EXITED", "container not running", "is not running", "context canceled")
# The first that is found, in this order, tells how a check by TCP or HTTP failed.
_SIGNS: tuple[tuple[str, Check], ...] = (
    ("statuscode", "status"),
    ("tls: ", "tls"),
    ("server gave HTTP response to HTTPS client", "tls"),
    ("connection refused", "refused"),
    ("connection reset", "reset"),
    ("broken pipe", "reset"),
    ("EOF", "reset"),
    ("i/o timeout", "timed out"),
    ("deadline exceeded", "timed out"),
    ("Client.Timeout", "timed out"),
    ("connection timed out", "timed out"),
)
_GRPC = ("service unhealthy", "health rpc", "failed to connect service", "grpc.health")


@dataclass(frozen=True)
class ProbeReport:
    """What an event says of a check: `errored` counts for nothing, `warning` is a success."""

    kind: ProbeKind
    outcome: Literal["failed", "errored", "warning"]
    detail: str

    @property
    def races(self) -> bool:
        """Whether the check only met a container that was ending."""
        return any(race in self.detail for race in _RACES)


def probe_report(message: str) -> ProbeReport | None:
    """Read the message of an event Unhealthy or ProbeWarning.

    >>> probe_report("Liveness probe failed: dial tcp 10.0.0.1:9090: i/o timeout")
    ProbeReport(kind='liveness', outcome='failed', detail='dial tcp 10.0.0.1:9090: i/o timeout')
    """
    found = _REPORT.search(message)
    if found is None:
        return None
    kind = found["kind"].lower()
    return ProbeReport(kind, found["outcome"], found["detail"].strip())  # type: ignore[arg-type]


def check(handler: str, detail: str) -> Check:
    """Say how a check failed; `handler` is the probe's field, empty where it is not known."""
    if detail.startswith("command timed out") or (
        handler == "exec" and re.match(r'command ".*" timed out', detail)
    ):
        return "command timed out"
    if handler == "exec":
        return "command"
    if handler == "grpc" or (not handler and any(sign in detail for sign in _GRPC)):
        return "grpc"
    return next((check for sign, check in _SIGNS if sign in detail), "other")


def killing_probe(message: str) -> ProbeKind | None:
    """Read the message of an event Killing: which probe had failed, if any."""
    found = _KILL.search(message)
    return found["kind"] if found else None  # type: ignore[return-value]


def back_off(message: str) -> float | None:
    """Read the seconds out of the waiting message of CrashLoopBackOff."""
    found = _DELAY.search(message)
    return seconds(found["delay"]) if found else None


def seconds(duration: str) -> float | None:
    """Read a duration as Go writes it: 40s, 1m20s, 5m0s."""
    found = _DURATION.fullmatch(duration)
    if found is None or not duration:
        return None
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + rest

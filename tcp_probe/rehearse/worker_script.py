from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf
from typing import TYPE_CHECKING, Any

from tcp_probe._defaults import BACKLOG
from tcp_probe.kubelet.handlers import Exec, Handler, HttpGet
from tcp_probe.kubelet.messages import (
    AWAITING,
    command_timed_out,
    dial_timed_out,
    get_failed,
    refused,
)
from tcp_probe.kubelet.steps import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

# Recorded: a check is refused 0.01 s after the start of a container and answered after 0.07 s.
BOOT = 0.05
EXIT_CODES = range(256)


@dataclass(frozen=True)
class WorkerScript:
    """What a worker does, in seconds from each of its starts.

    It listens from `start` on and refuses from `close` on. From `hang` on it stands still: the
    queue still takes `backlog` + 1 checks, and SIGTERM is not heard. It exits with `exit_code` at
    `exit`, and `term` seconds after a SIGTERM with 0. It listens on `port` alone if that is given.
    """

    start: float = 0
    close: float = inf
    hang: float = inf
    backlog: int = BACKLOG
    exit: float = inf
    exit_code: int = 0
    term: float = 0
    port: int | None = None


def parse(text: str) -> WorkerScript:
    """Read a script such as `start=12,close=20,exit=30:1`.

    Raises `ValueError` with what was expected.
    """
    values: dict[str, Any] = {}
    for item in text.split(","):
        name, equals, value = item.partition("=")
        if not equals or name not in {field.name for field in fields(WorkerScript)} - {"exit_code"}:
            names = "start, close, hang, backlog, exit, term or port"
            raise ValueError(f"expected {names} with a value, got {item!r}")
        if name in values:
            raise ValueError(f"expected {name} once, got it twice")
        if name == "exit":
            value, colon, code = value.partition(":")
            values["exit_code"] = _whole("exit code", code, EXIT_CODES) if colon else 0
        if name == "backlog":
            values[name] = _whole(name, value, range(65536))
        elif name == "port":
            values[name] = _whole(name, value, range(1, 65536))
        else:
            values[name] = _seconds(name, value)
    return WorkerScript(**values)


class VirtualContainer:
    """One start of a scripted worker: answers checks and signals at a given time.

    `ports` are those that the container declares; without any it listens on every port.
    """

    def __init__(self, script: WorkerScript, started_at: float, ports: Sequence[int]) -> None:
        self._script = script
        self._started_at = started_at
        self._ports = ports if script.port is None else (script.port,)
        self._queued: dict[int, int] = {}

    @property
    def exits_at(self) -> float:
        """When the worker ends by itself; infinity for never."""
        script = self._script
        return self._started_at + script.exit if script.exit < script.hang else inf

    def terminated_at(self, now: float) -> float:
        """When the worker ends after a SIGTERM now; infinity for never."""
        return inf if self._hangs(now) else now + self._script.term

    def check(self, now: float, handler: Handler, timeout: float) -> tuple[float, Outcome]:
        """Answer a check that starts now: how long it takes and how it ends."""
        if isinstance(handler, Exec):
            if self._hangs(now):
                message = command_timed_out(handler.command, timeout)
                return timeout, Outcome(success=False, message=message)
            return 0, Outcome(success=self._listens(now))
        answered = self._listens(now) and (not self._ports or handler.port in self._ports)
        took, failure = 0.0, "" if answered else refused(handler.address)
        if answered and self._hangs(now):
            queued = self._queued.get(handler.port, 0)
            self._queued[handler.port] = queued + 1
            if queued > self._script.backlog:
                took, failure = timeout, dial_timed_out(handler.address)
            elif isinstance(handler, HttpGet):
                took, failure = timeout, "context deadline exceeded"
        if failure and isinstance(handler, HttpGet):
            failure = get_failed(handler.url, f"{failure} {AWAITING}" if took else failure)
        return took, Outcome(success=not failure, message=failure)

    def _listens(self, now: float) -> bool:
        age = now - self._started_at
        script = self._script
        return max(script.start, BOOT) <= min(age, script.hang) and age < script.close

    def _hangs(self, now: float) -> bool:
        return now - self._started_at >= self._script.hang


def _whole(name: str, text: str, among: range) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) not in among:
        raise ValueError(f"expected {name} from {among[0]} to {among[-1]}, got {text!r}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not seconds >= 0:
        raise ValueError(f"expected {name} in seconds of at least 0, got {text!r}")
    return seconds

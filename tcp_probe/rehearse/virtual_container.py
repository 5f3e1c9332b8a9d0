from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from tcp_probe.kubelet import messages
from tcp_probe.kubelet.handlers import RUNTIME_LIMIT, Exec, Grpc, Handler, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.kubelet.stop_signal import number

from .predicted_command import predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcp_probe.kubelet.handlers import Hook

    from .predicted_command import CheckPort
    from .worker_script import WorkerScript

# Recorded: a check is refused 0.01 s after the start of a container and answered after 0.07 s.
BOOT = 0.05
# How long a check of a command's own waits, in seconds.
CHECK_TIMEOUT = 1.0
BAD_REQUEST = 400
REDIRECTION = 300
PASSED = Outcome(success=True)


class VirtualContainer:
    """One start of a scripted worker: answers checks, hooks and signals at a given time.

    `ports` are those that the container declares; without any it listens on every port. Where it
    shares the processes of its pod it is not PID 1. Set `ended` when it is no more.
    """

    def __init__(
        self,
        script: WorkerScript,
        started_at: float,
        ports: Sequence[int] = (),
        *,
        shares_processes: bool = False,
    ) -> None:
        self._script = script
        self._started_at = started_at
        self._ports = ports if script.port is None else (script.port,)
        self._shares_processes = shares_processes
        self._queued: dict[int, int] = {}
        self.ended = False

    @property
    def exits_at(self) -> float:
        """When the worker ends by itself; infinity for never."""
        script = self._script
        return self._started_at + script.exit if script.exit < script.hang else inf

    def terminated(self, now: float, signal: str = "SIGTERM") -> tuple[float, int]:
        """When the worker ends after a signal now, infinity for never, and with which code."""
        script = self._script
        if script.term is None and self._shares_processes:
            # Without a handler, and not being PID 1, it is ended by the kernel.
            return now, 128 + number(signal)
        return (inf if self.hangs(now) else now + (script.term or 0)), script.term_code

    def hangs(self, now: float) -> bool:
        """Say whether it stands still."""
        return now - self._started_at >= self._script.hang

    def next_change(self, now: float) -> float:
        """When after now it begins to answer in another way; infinity for never."""
        script = self._script
        answers = (*script.more, *script.http, *script.grpc, *script.exec)
        ages = (BOOT, script.start, script.close, script.hang, *(age for age, _ in answers))
        times = (self._started_at + age for age in ages)
        return min((time for time in times if time > now), default=inf)

    def check(self, now: float, handler: Handler, timeout: float) -> tuple[float, Outcome]:
        """Answer a check that starts now: how long it takes and how it ends."""
        if isinstance(handler, Exec):
            return self._exec(now, handler, timeout)
        if self.ended or not self._listens(now, handler.port):
            return self._refused(handler, timeout)
        if self.hangs(now):
            return self._unanswered(handler, timeout)
        return self._answer(now, handler, timeout)

    def hook(self, now: float, hook: Hook, given: tuple[float, int] | None) -> tuple[float, bool]:
        """Run a hook that starts now: how long it takes and whether it goes well.

        `given` is what the script says of a command; without it one that cannot be followed is
        taken to end well at once.
        """
        if isinstance(hook, Sleep):
            return hook.seconds, True
        if isinstance(hook, TcpSocket):
            return 0, False
        if isinstance(hook, HttpGet):
            seconds, outcome = self.check(now, hook, inf)
            return seconds, not outcome.message.startswith("Get ")
        if given is None:
            predicted = predict(hook.command, self._port_checker(now))
            given = (predicted.seconds, predicted.code) if predicted else (0, 0)
        return given[0], given[1] == 0

    def _listens(self, now: float, port: int) -> bool:
        age = now - self._started_at
        reachable = not self._ports or port in self._ports
        return reachable and age >= BOOT and self._script.listens(age)

    def _since(self, answers: Sequence[tuple[float, str]], now: float) -> str | None:
        age = now - self._started_at
        passed = [answer for answer in answers if answer[0] <= age]
        return max(passed, key=lambda answer: answer[0])[1] if passed else None

    def _unanswered(
        self, handler: TcpSocket | HttpGet | Grpc, timeout: float
    ) -> tuple[float, Outcome]:
        queued = self._queued.get(handler.port, 0)
        self._queued[handler.port] = queued + 1
        if isinstance(handler, Grpc):
            return self._refused(handler, timeout)
        if isinstance(handler, HttpGet):
            late = f"context deadline exceeded {messages.AWAITING}"
            return timeout, _failed(messages.get_failed(handler.url, late))
        if queued <= self._script.backlog:
            return 0, PASSED
        return timeout, _failed(messages.dial_timed_out(handler.address))

    def _refused(
        self, handler: TcpSocket | HttpGet | Grpc, timeout: float
    ) -> tuple[float, Outcome]:
        refused = messages.refused(handler.address)
        if isinstance(handler, Grpc):
            # A gRPC client tries again for as long as it may.
            return timeout, _failed(messages.grpc_connect_timed_out(handler.address, timeout))
        if isinstance(handler, HttpGet):
            refused = messages.get_failed(handler.url, refused)
        return 0, _failed(refused)

    def _answer(
        self, now: float, handler: TcpSocket | HttpGet | Grpc, timeout: float
    ) -> tuple[float, Outcome]:
        if isinstance(handler, TcpSocket):
            return 0, PASSED
        if isinstance(handler, Grpc):
            return _grpc_answer(self._since(self._script.grpc, now) or "SERVING", timeout)
        return _http_answer(self._since(self._script.http, now) or "200", handler, timeout)

    def _exec(self, now: float, handler: Exec, timeout: float) -> tuple[float, Outcome]:
        if self.ended:
            return 0, Outcome(success=None, message=messages.CONTAINER_EXITED)
        late = _failed(messages.command_timed_out(handler.command, timeout))
        told = self._since(self._script.exec, now)
        if told is None:
            predicted = predict(handler.command, self._port_checker(now))
            if predicted and predicted.seconds > timeout:
                ends = predicted.ends_if_killed(timeout)
                return min(ends, timeout + RUNTIME_LIMIT), late
            if predicted:
                code, output = predicted.code, predicted.output
                return predicted.seconds, _failed(output) if code else PASSED
        if self.hangs(now):
            return timeout, late
        age = now - self._started_at
        passes = self._script.listens(age) if told is None else told == "0"
        return 0, PASSED if passes and age >= BOOT else _failed("")

    def _port_checker(self, now: float) -> CheckPort:
        def check_port(host: str, port: int) -> tuple[float, str]:
            took, outcome = self.check(now, TcpSocket(port, host), CHECK_TIMEOUT)
            return took, outcome.message

        return check_port


def _failed(message: str) -> Outcome:
    return Outcome(success=False, message=message)


def _http_answer(answer: str, handler: HttpGet, timeout: float) -> tuple[float, Outcome]:
    if answer == "close":
        return 0, _failed(messages.get_failed(handler.url, "EOF"))
    if answer == "stall":
        message = f"context deadline exceeded {messages.READING}"
        return timeout, Outcome(success=None, message=message, state="failure")
    status = int(answer)
    if status >= BAD_REQUEST:
        return 0, _failed(messages.http_status(status))
    if status >= REDIRECTION:
        return 0, Outcome(success=True, message=messages.redirects_ended(""))
    return 0, PASSED


def _grpc_answer(answer: str, timeout: float) -> tuple[float, Outcome]:
    if answer == "SERVING":
        return 0, PASSED
    if answer == "silent":
        return timeout, _failed(messages.grpc_call_timed_out(timeout))
    if answer == "NOT_FOUND":
        return 0, _failed(messages.grpc_failed("NotFound", ""))
    if answer == "UNIMPLEMENTED":
        return 0, _failed(messages.grpc_not_implemented("Method not found!"))
    return 0, _failed(messages.grpc_unhealthy(answer))

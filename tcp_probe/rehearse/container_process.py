from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from tcp_probe._bad_input import BadInput
from tcp_probe.kubelet.stop_signal import number

from .guard import VARIABLE, kill_marked
from .processes import hears, kill_group, started

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anyio.abc import ByteReceiveStream, Process

# A longer line is passed on in pieces.
LINE_LIMIT = 64 * 1024


class CommandError(BadInput):
    """The command cannot be run; the message says which one and why."""


class ContainerProcess:
    """A command that is run as the one process of a container, in a session of its own.

    With it end all the processes that it has started, as they do with PID 1 of a container.
    `on_output` gets each line that it prints, with True for one on the standard error.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        on_output: Callable[[str, bool], None],
        *,
        shares_processes: bool,
    ) -> None:
        self._command = command
        self._env = env
        self._on_output = on_output
        self._shares_processes = shares_processes
        self._process: Process | None = None

    async def run(self, on_start: Callable[[], None]) -> int:
        """Run the command and return its exit code, 128 + N if signal N ended it.

        Raises `CommandError` where it cannot be run.
        """
        try:
            process = await started(self._command, self._env)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise CommandError(f"cannot run {self._command[0]!r} here: {reason}") from None
        self._process = process
        try:
            on_start()
            async with anyio.create_task_group() as pumps:
                for stream in filter(None, (process.stdout, process.stderr)):
                    pumps.start_soon(self._pass_on, process, stream)
                code = await process.wait()
                self._end_all(process)
                # What still holds the pipe now has left both session and environment.
                pumps.cancel_scope.deadline = anyio.current_time() + 1
        finally:
            self._process = None
            self._end_all(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        return code if code >= 0 else 128 - code

    def terminate(self, name: str = "SIGTERM") -> bool:
        """Send a signal; say whether the process would get it as PID 1 of a container."""
        if self._process is None:
            return True
        pid = self._process.pid
        if not (self._shares_processes or hears(pid, number(name))):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number(name))
        return True

    def kill(self) -> None:
        """Send SIGKILL."""
        if self._process:
            kill_group(self._process.pid)

    def _end_all(self, process: Process) -> None:
        kill_group(process.pid)
        kill_marked(self._env[VARIABLE])

    async def _pass_on(self, process: Process, stream: ByteReceiveStream) -> None:
        is_error = stream is process.stderr
        rest = b""
        async for chunk in stream:
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LINE_LIMIT:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._on_output(line.decode(errors="replace"), is_error)
        if rest:
            self._on_output(rest.decode(errors="replace"), is_error)

from __future__ import annotations

import errno
import os
import secrets
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import anyio

from tcp_probe.kubelet.handlers import RUNTIME_LIMIT
from tcp_probe.kubelet.messages import command_cannot_start, command_timed_out
from tcp_probe.kubelet.steps import Outcome

from .processes import kill_group, started

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import ByteReceiveStream, Process

    from tcp_probe.kubelet.handlers import Exec

# kubelet reads no more of what a command prints.
OUTPUT_LIMIT = 10 * 1024


async def exec_check(handler: Exec, limit: float, env: Mapping[str, str]) -> Outcome:
    """Run a command as kubelet has it run: code 0 is success, and its output tells of a failure.

    After `limit` seconds the command alone is killed. As in a container the check is not over
    before everybody has closed its output: a child that holds it open delays the result.
    """
    try:
        process = await started(handler.command, env)
    except OSError as error:
        return Outcome(success=None, message=_cannot_start(handler.command[0], error))
    outputs = [bytearray(), bytearray()]
    in_time = False
    try:
        with anyio.move_on_after(limit + RUNTIME_LIMIT) as scope:
            async with anyio.create_task_group() as tasks:
                for stream, output in zip((process.stdout, process.stderr), outputs, strict=True):
                    tasks.start_soon(_read, cast("ByteReceiveStream", stream), output)
                in_time = await _ends_in_time(process, limit)
    finally:
        if process.returncode is None:
            kill_group(process.pid)
        with anyio.CancelScope(shield=True):
            await process.aclose()
    if scope.cancelled_caught or not in_time:
        return Outcome(success=False, message=command_timed_out(handler.command, limit))
    if process.returncode == 0:
        return Outcome(success=True)
    text = b"".join(bytes(output) for output in outputs)[:OUTPUT_LIMIT].decode(errors="replace")
    return Outcome(success=False, message=text)


async def _ends_in_time(process: Process, limit: float) -> bool:
    with anyio.move_on_after(limit):
        await process.wait()
        return True
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    return False


async def _read(stream: ByteReceiveStream, output: bytearray) -> None:
    async for chunk in stream:
        output += chunk[: OUTPUT_LIMIT - len(output)]


def _cannot_start(command: str, error: OSError) -> str:
    reason = os.strerror(error.errno or 0).lower()
    if error.errno == errno.ENOENT:
        reason = (
            f"stat {command}: {reason}" if "/" in command else "executable file not found in $PATH"
        )
    return command_cannot_start(command, reason, secrets.token_hex(32))

from __future__ import annotations

import os
from subprocess import DEVNULL, PIPE, STDOUT
from typing import TYPE_CHECKING, cast

import anyio

from tcp_probe.kubelet.handlers import Exec, Handler, HttpGet, TcpSocket
from tcp_probe.kubelet.messages import command_timed_out, dial_timed_out
from tcp_probe.kubelet.steps import Outcome

from .dial import DialError, dial
from .http_check import http_check
from .processes import kill_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import ByteReceiveStream

# kubelet reads no more of what a command prints.
OUTPUT_LIMIT = 10 * 1024


async def run_check(handler: Handler, limit: float, env: Mapping[str, str]) -> Outcome:
    """Make one check as kubelet does and say how it ended, in kubelet's words.

    `limit` is in seconds, `env` the environment of an exec probe's command.
    """
    if isinstance(handler, TcpSocket):
        return await _tcp_check(handler, limit)
    if isinstance(handler, HttpGet):
        return await http_check(handler, limit)
    return await _exec_check(handler, limit, env)


async def _tcp_check(handler: TcpSocket, limit: float) -> Outcome:
    try:
        with anyio.fail_after(limit):
            stream = await dial(handler.host, handler.port)
    except TimeoutError:
        return Outcome(success=False, message=dial_timed_out(handler.address))
    except DialError as error:
        return Outcome(success=False, message=str(error))
    await stream.aclose()
    return Outcome(success=True)


async def _exec_check(handler: Exec, limit: float, env: Mapping[str, str]) -> Outcome:
    try:
        process = await anyio.open_process(
            handler.command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=env,
            start_new_session=True,
        )
    except OSError as error:
        # A command that cannot be run is no result to kubelet: the probe then never fails.
        reason = os.strerror(error.errno or 0).lower()
        return Outcome(success=None, message=f'exec: "{handler.command[0]}": {reason}')
    try:
        with anyio.fail_after(limit):
            output = await _output(cast("ByteReceiveStream", process.stdout))
            code = await process.wait()
    except TimeoutError:
        return Outcome(success=False, message=command_timed_out(handler.command, limit))
    finally:
        kill_group(process.pid)
        with anyio.CancelScope(shield=True):
            await process.aclose()
    return Outcome(success=code == 0, message="" if code == 0 else output.decode(errors="replace"))


async def _output(stream: ByteReceiveStream) -> bytes:
    output = b""
    async for chunk in stream:
        output = (output + chunk)[:OUTPUT_LIMIT]
    return output

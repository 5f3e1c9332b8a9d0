from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tcp_probe.kubelet.handlers import Grpc, Handler, HttpGet, TcpSocket
from tcp_probe.kubelet.messages import dial_timed_out
from tcp_probe.kubelet.steps import Outcome

from .dial import DialError, dial
from .exec_check import exec_check
from .grpc_check import grpc_check
from .http_check import http_check

if TYPE_CHECKING:
    from collections.abc import Mapping


async def run_check(handler: Handler, limit: float, env: Mapping[str, str]) -> Outcome:
    """Make one check as kubelet does and say how it ended, in kubelet's words.

    `limit` is in seconds, `env` the environment of an exec probe's command.
    """
    if isinstance(handler, TcpSocket):
        return await _tcp_check(handler, limit)
    if isinstance(handler, HttpGet):
        return await http_check(handler, limit)
    if isinstance(handler, Grpc):
        return await grpc_check(handler, limit)
    return await exec_check(handler, limit, env)


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

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import anyio

from tcp_probe.kubelet.handlers import HttpGet, Sleep, TcpSocket

from .checks import run_check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcp_probe.kubelet.handlers import Hook


async def run_hook(hook: Hook, env: Mapping[str, str], speed: float = 1) -> bool:
    """Run a hook to its end, as kubelet does; say whether it went well.

    A command does with code 0, a page with any answer, a sleep always, and a tcpSocket never:
    kubelet does not know how to run that one.
    """
    if isinstance(hook, TcpSocket):
        return False
    if isinstance(hook, Sleep):
        await anyio.sleep(hook.seconds / speed)
        return True
    outcome = await run_check(hook, inf, env)
    answered = isinstance(hook, HttpGet) and outcome.message.startswith("HTTP probe failed")
    return bool(outcome.success) or answered

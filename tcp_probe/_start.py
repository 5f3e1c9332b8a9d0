from __future__ import annotations

import os

from ._defaults import BACKLOG, STALL_TIMEOUT, TERMINATION_LOG
from ._probe import Probe
from ._serve import serve


def start(  # noqa: PLR0913 (its user names what differs from the defaults)
    port: int,
    *,
    host: str | None = None,
    backlog: int = BACKLOG,
    stall_timeout: float | None = STALL_TIMEOUT,
    wait: bool = False,
    termination_log: str | os.PathLike[str] | None = TERMINATION_LOG,
) -> Probe:
    """Listen on `port` from now on, until `Probe.close` or the end of the process.

    For a worker that begins and ends in hooks of a framework, where there is no block to stand in.
    It may be called, and its probe closed, from any task, thread or hook. Where an event loop of
    asyncio, uvloop or trio runs in this thread, it is watched as by `serve`; when it has ended, the
    port refuses. It cannot see a worker that has returned while its process lives on, as the end of
    a `with` block does.

    The arguments and errors are those of `serve`, whose condition needs an `async with`.

        probe = tcp_probe.start(9090)  # when the worker begins
        probe.close()  # when it ends
    """
    serving = serve(
        port,
        host=host,
        backlog=backlog,
        stall_timeout=stall_timeout,
        wait=wait,
        termination_log=termination_log,
    )
    return serving._begin(guarded=False)


start.__module__ = "tcp_probe"

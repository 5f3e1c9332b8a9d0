from __future__ import annotations

import os
from socket import gaierror
from typing import TYPE_CHECKING

import anyio

from tcp_probe.kubelet.go_format import joined
from tcp_probe.kubelet.messages import refused

if TYPE_CHECKING:
    from anyio.abc import SocketStream


class DialError(Exception):
    """A connection could not be made; the message is the one that kubelet shows."""


async def dial(host: str, port: int) -> SocketStream:
    """Connect, or raise `DialError`."""
    try:
        return await anyio.connect_tcp(host, port)
    except gaierror:
        raise DialError(f"dial tcp: lookup {host}: no such host") from None
    except OSError as error:
        # With several addresses to a name there is a group of errors: the first one will do.
        cause: BaseException = error.__cause__ or error
        while not isinstance(cause, OSError):
            cause = getattr(cause, "exceptions", [error])[0]
        reason = os.strerror(cause.errno or 0).lower()
        raise DialError(refused(joined(host, port), reason)) from None

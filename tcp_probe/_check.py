from __future__ import annotations

import socket
from time import perf_counter

from ._arguments import seconds, whole_number, wrong_type

# `typing` would be a third of the start-up time of `python -m tcp_probe check`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def check(port: int, host: str = "127.0.0.1", timeout: float = 1.0) -> float:
    """Make one check as kubelet's tcpSocket probe does: connect, then close.

    Returns the seconds that the connect took. `timeout` is in seconds; the default is Kubernetes'
    own `timeoutSeconds`.

    Raises `ConnectionRefusedError` where nothing listens, `TimeoutError` where the listen queue is
    full, another `OSError` where the host cannot be reached; `TypeError` or `ValueError` for a
    port outside 1..65535, a host that can be no name, or a timeout that is no number of seconds
    above 0.

        >>> tcp_probe.check(9090)
        0.000113
    """
    whole_number("port", port, 1, 65535)
    seconds("timeout", timeout)
    if not isinstance(host, str):
        raise wrong_type("host", "a text", host)
    address: Any = _encoded(host)
    began = perf_counter()
    with socket.create_connection((address, port), timeout):
        return perf_counter() - began


def _encoded(host: str) -> bytes:
    # Python loads its table of international names first where it is given a text.
    try:
        return host.encode("ascii" if host.isascii() else "idna")
    except UnicodeError:
        raise ValueError(f"host: expected an address or a name, got {host!r}") from None


check.__module__ = "tcp_probe"

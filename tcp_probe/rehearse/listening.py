from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .guard import marked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PROC = Path("/proc")
LISTEN = "0A"


def listening(token: str) -> set[tuple[str, int]]:
    """Return the addresses and ports on which processes with this token listen.

    Nothing where there is no /proc to tell.

    >>> listening(token)
    {('0.0.0.0', 9090), ('127.0.0.1', 5432)}
    """
    sockets = {link for pid in marked(token) for link in _sockets(pid)}
    return {(address, port) for address, port, inode in _listeners() if inode in sockets}


def is_loopback(address: str) -> bool:
    """Say whether nobody but this machine itself reaches an address."""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def why_refused(port: int, token: str, probed: Collection[int] = ()) -> str | None:
    """Say why a port refuses, where that can be seen from what the container listens on instead.

    A port that another probe asks, one of `probed`, is not listened on instead.
    """
    own = listening(token)
    here = sorted(address for address, each in own if each == port)
    if here and all(map(is_loopback, here)):
        return (
            f"the worker listens on port {port} of {' and '.join(here)} only, which kubelet does "
            "not reach: it dials the pod's address. Let it listen on every interface (0.0.0.0, ::)."
        )
    elsewhere = sorted({each for address, each in own if not is_loopback(address)})
    if here or set(elsewhere) <= set(probed):
        return None
    ports = " and ".join(map(str, elsewhere))
    return f"the worker does not listen on port {port}, but on {ports}: probe that port."


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            # It may be closed at any moment.
            with suppress(OSError):
                yield str(descriptor.readlink())


def _listeners() -> Iterator[tuple[str, int, str]]:
    for name in ("tcp", "tcp6"):
        rows: list[str] = []
        with suppress(OSError):
            rows = (PROC / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        for fields in map(str.split, rows):
            address, _, port = fields[1].partition(":")
            if fields[3] == LISTEN:
                yield _address(address), int(port, 16), f"socket:[{fields[9]}]"


def _address(text: str) -> str:
    # The kernel prints each word of 32 bits as a number, whatever the order of its bytes.
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, packed)

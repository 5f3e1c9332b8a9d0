from __future__ import annotations

import errno
import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"
# Of Linux's loopback network all addresses are this machine's own, and a worker that listens on
# 127.0.0.1 alone does not answer this one.
OTHER_LOOPBACK = "127.11.22.33"
# Reserved for documentation: nothing is sent, the kernel only says from where it would be.
ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
PATIENCE = 1.0


def pod_address() -> str | None:
    """Find what stands for the pod's address: one of this machine's that is not 127.0.0.1.

    A worker that listens on 127.0.0.1 alone answers none of these, as it would answer no kubelet.
    None where this machine has no such address, or none that can be connected to.
    """
    found = (_source(family, target) for family, target in ELSEWHERE)
    candidates = (*filter(None, found), OTHER_LOOPBACK)
    return next((address for address in candidates if _can_be_connected_to(address)), None)


def _source(family: socket.AddressFamily, target: str) -> str | None:
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.connect((target, 9))
        address: str = asking.getsockname()[0]
        return None if address.startswith(("127.", "::1", "fe80:")) else address
    return None


def _can_be_connected_to(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.create_server((address, 0), family=family) as server:
        return connects(address, server.getsockname()[1])
    return False


def connects(host: str, port: int) -> bool:
    """Say whether something listens there now."""
    with suppress(OSError):
        socket.create_connection((host, port), PATIENCE).close()
        return True
    return False


def is_taken(port: int) -> bool:
    """Say whether a worker that wants this port of every interface would find it in use.

    Something may hold it without an answer to anyone.
    """
    ipv6 = socket.has_dualstack_ipv6()
    try:
        # As servers do, in spite of connections that have ended.
        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        socket.create_server(("", port), family=family, dualstack_ipv6=ipv6).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False

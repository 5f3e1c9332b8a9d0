from __future__ import annotations

import socket
import sys
from contextlib import suppress
from typing import Any


class Listener:
    """A TCP port that listens or refuses; on Linux it stays bound, and so reserved, in both states.

    `listen` and `refuse` may be called from any thread and take effect at once. A platform that
    cannot shut a listening socket down (macOS, Windows) needs `settle` in the event loop as well.

    A signal handler, which may raise, runs only where a function begins or has been called. So
    `listening` is set right before the one call that makes it true.
    """

    def __init__(self, host: str | None, port: int, backlog: int) -> None:
        self.listening = False
        self._backlog = backlog
        self.socket = _bind(*_resolve(host, port))
        self._address = self.socket.getsockname()
        self.port: int = self._address[1]
        if port == 0:
            # Linux takes a port of its own choice back at shutdown(), but not one it was asked
            # for. Where this second bind fails, shutdown() is not what makes the port refuse.
            with suppress(OSError):
                asked_for = _bind(self.socket.family, self._address)
                self.socket.close()
                self.socket = asked_for
        self._ready_to_listen = True
        _share(self.socket, with_what_has_ended=False)

    def listen(self) -> None:
        """Answer checks."""
        if self._ready_to_listen:
            _share(self.socket, with_what_has_ended=True)
            self.listening = True
            self.socket.listen(self._backlog)
        else:
            self.listening = True

    def refuse(self) -> None:
        """Refuse checks, in this process and in every other that shares the socket."""
        try:
            self.listening = False
            # Unlike close() this is safe while an event loop in another thread waits on the socket.
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            if error.errno is None:
                raise  # a signal handler's
            self._ready_to_listen = False
        else:
            _share(self.socket, with_what_has_ended=False)

    def settle(self) -> None:
        """Finish `listen` or `refuse` where no event loop waits on the socket."""
        if self._ready_to_listen:
            return
        if not self.listening:
            self.socket.close()
            return
        if self.socket.fileno() == -1:
            self.socket = _bind(self.socket.family, self._address)
        self.socket.listen(self._backlog)

    def close(self) -> None:
        """Refuse for good, where no event loop waits on the socket."""
        self.listening = False
        self.socket.close()


def _resolve(host: str | None, port: int) -> tuple[socket.AddressFamily, Any]:
    if host is None:
        if socket.has_dualstack_ipv6():
            return socket.AF_INET6, ("::", port)
        return socket.AF_INET, ("0.0.0.0", port)  # noqa: S104 (kubelet probes the pod's address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _named(error, host, port) from None
    except ValueError:
        raise ValueError(f"host: expected an address, a host name or None, got {host!r}") from None
    # Who checks a name such as localhost tries IPv4 too, who checks 127.0.0.1 does not try IPv6.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _bind(family: socket.AddressFamily | int, address: Any) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.settimeout(0)
        _share(bound, with_what_has_ended=True)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _named(error, *address[:2]) from None
    return bound


def _share(bound: socket.socket, *, with_what_has_ended: bool) -> None:
    # To bind and to listen in spite of connections that have ended is right. But while the port
    # refuses, anybody else who sets the option too could take it.
    if sys.platform != "win32":  # there it would let a second process take the port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, with_what_has_ended)


def _named(error: OSError, host: str, port: int) -> OSError:
    return type(error)(
        error.errno, f"cannot listen on host {host!r}, port {port}: {error.strerror}"
    )

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from errno import EADDRINUSE
from typing import Any


class Listener:
    """A TCP port that listens or refuses; on Linux it stays bound, and so reserved, in both states.

    `listen` and `refuse` may be called from any thread and take effect at once. A platform that
    cannot shut a listening socket down (macOS, Windows) needs `settle` in the event loop as well.

    A signal handler, which may raise, runs only where a function begins or has been called. So
    `listening` is set right before the one call that makes it true.
    """

    def __init__(
        self,
        host: str | None,
        port: int,
        backlog: int,
        *,
        blocking: bool = False,
        wait: bool = False,
    ) -> None:
        self.listening = False
        self.is_bound = False
        self.port = port
        self._backlog = backlog
        self._blocking = blocking
        self._ready_to_listen = True
        self._family, self._address = _resolve(host, port)
        self.socket = self._open()
        try:
            self.bind()
        except OSError as error:
            if not wait or error.errno != EADDRINUSE:
                self.socket.close()
                raise

    def bind(self) -> None:
        """Take the port, or raise the `OSError` that says why not: where `wait`, try again."""
        self._bind(self.socket)
        if self.port == 0:
            self._address = self.socket.getsockname()
            self.port = self._address[1]
            # Linux takes a port of its own choice back at shutdown(), but not one it was asked
            # for. Where this second bind fails, shutdown() is not what makes the port refuse.
            asked_for = self._open()
            try:
                self._bind(asked_for)
            except OSError:
                asked_for.close()
            else:
                self.socket.close()
                self.socket = asked_for
        _share(self.socket, with_what_has_ended=False)
        self.is_bound = True

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
            self.socket = self._open()
            self._bind(self.socket)
        self.socket.listen(self._backlog)

    def close(self) -> None:
        """Refuse for good, where no event loop waits on the socket."""
        self.listening = False
        self.socket.close()

    def leave_to_parent(self) -> None:
        """Let go of the port in a forked child, and only there."""
        self.listening = False
        try:
            # The number stays in use: uvloop aborts where one that it goes by is closed.
            with socket.socket(self._family, socket.SOCK_STREAM) as another:
                os.dup2(another.fileno(), self.socket.fileno(), inheritable=False)
        except OSError:  # it may not have one file more
            self.socket.close()

    def knock(self) -> None:
        """Let a thread that waits in accept() look again, where shutting down does not."""
        if not self._ready_to_listen:
            with suppress(OSError), socket.socket(self._family, socket.SOCK_STREAM) as knocking:
                knocking.settimeout(0)
                knocking.connect_ex(self._address)

    def _open(self) -> socket.socket:
        opened = socket.socket(self._family, socket.SOCK_STREAM)
        opened.settimeout(None if self._blocking else 0)
        _share(opened, with_what_has_ended=True)
        if self._family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self._address[0] != "::")
        return opened

    def _bind(self, opened: socket.socket) -> None:
        try:
            opened.bind(self._address)
        except OSError as error:
            raise _named(error, *self._address[:2]) from None


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


def _share(bound: socket.socket, *, with_what_has_ended: bool) -> None:
    # To bind and to listen in spite of connections that have ended is right. But while the port
    # refuses, anybody else who sets the option too could take it.
    if sys.platform != "win32":  # there it would let a second process take the port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, with_what_has_ended)


def _named(error: OSError, host: str, port: int) -> OSError:
    return type(error)(
        error.errno, f"cannot listen on host {host!r}, port {port}: {error.strerror}"
    )

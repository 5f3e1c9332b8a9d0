from __future__ import annotations

import logging
import sys
from errno import EAGAIN, EINVAL
from socket import close
from threading import Lock, current_thread
from time import monotonic

from ._gate import Gate
from ._in_order import OwnThread
from ._listener import Listener
from ._locked import locked
from ._timers import Timers

# How long (s) to leave accept() alone after an error. A connection that could not be accepted stays
# in the queue, and so without a pause it would be tried in a spin.
PAUSE = 0.1

# How long (s) an end waits for the thread that accepts, which is awake at once.
_PATIENCE = 1.0

# Errors less than this (s) apart are one episode, and one line in the log.
_EPISODE = 60.0


class Acceptor:
    """Accepts the connections of a listener and closes them."""

    def __init__(self, gate: Gate, listener: Listener, timers: Timers) -> None:
        self.checks = 0
        self._gate = gate
        self._listener = listener
        self._timers = timers
        self._last_error_at = float("-inf")

    def close(self) -> None:
        """Accept no more, for good, where there is no event loop to do it in."""

    def _accept_and_close(self) -> None:
        # socket.accept() would make a socket object only for us to close it: a third of the
        # CPU time of a check. This is the half of it that makes the system call.
        try:
            descriptor, _ = self._listener.socket._accept()  # type: ignore[attr-defined]
        except (AttributeError, BlockingIOError):
            # It is not public; and gevent's is not the half that waits.
            self._listener.socket.accept()[0].close()
        else:
            close(descriptor)
        self.checks += 1
        if monotonic() > self._timers.overdue_at:
            self._timers.overdue()

    def _tell(self, error: Exception) -> None:
        if getattr(error, "errno", None) in {EAGAIN, EINVAL}:
            return  # it was for a port that refused, and meanwhile listens again
        now = monotonic()
        if now - self._last_error_at > _EPISODE:
            remark = f"cannot accept checks, and tries again every {PAUSE} s: {error}"
            self._gate.remark(logging.WARNING, remark)
        self._last_error_at = now


class ThreadAcceptor(Acceptor):
    """Accepts in a thread that sleeps in accept(), for a worker without an event loop to do it in.

    It costs less than to wait in poll(), and nothing while there are no checks.
    """

    def __init__(self, gate: Gate, listener: Listener, timers: Timers) -> None:
        super().__init__(gate, listener, timers)
        self._closed = False
        self._wake = Lock()
        self._wake.acquire()
        self._thread = OwnThread(self._run)

    def start(self) -> None:
        """Begin to accept."""
        self._gate.changed = self._changed
        self._thread.start()

    def close(self) -> None:
        """Accept no more, for good."""
        self._closed = True
        locked(self._gate.lock, self._changed)
        # An interpreter that ends has stopped it, and from 3.14 on it waits for none. And it may be
        # this thread, in which the garbage collector ends a generator that holds the port.
        is_another = self._thread.ident is not None and self._thread is not current_thread()
        if is_another and not sys.is_finalizing():
            self._thread.join(_PATIENCE)

    def _changed(self) -> None:
        self._listener.knock()
        if self._wake.locked():
            self._wake.release()

    def _run(self) -> None:
        try:
            while not self._closed:
                self._listener.settle()
                if self._listener.listening:
                    self._accept()
                else:
                    self._wake.acquire()
        except BaseException as error:  # noqa: BLE001 (a broken probe refuses, the worker goes on)
            self._gate.broken(error)
        # Not in close(): the next to open a file would get its number, which is accepted from here.
        self._listener.close()

    def _accept(self) -> None:
        try:
            self._accept_and_close()
        except Exception as error:  # noqa: BLE001 (whatever accept raises, the worker goes on)
            if self._listener.listening:
                self._tell(error)
                self._wake.acquire(timeout=PAUSE)

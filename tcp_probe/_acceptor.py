from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from socket import close
from time import monotonic
from typing import Any

import anyio

from ._gate import Gate
from ._listener import Listener
from ._timers import Timers

# How long (s) to leave accept() alone after an error. A connection that could not be accepted stays
# in the queue, and so without a pause the event loop would spin.
_PAUSE = 0.1

# Errors less than this (s) apart are one episode, and one line in the log.
_EPISODE = 60.0


class Acceptor(ABC):
    """Accepts the connections of a listener and closes them, at most one a turn of the event loop.

    One a turn leaves the worker its share of a flood. It is also the cheapest: to accept until
    there is nothing more costs a second system call and an exception for every check.
    """

    def __init__(self, gate: Gate, listener: Listener, timers: Timers) -> None:
        self.checks = 0
        self._gate = gate
        self._listener = listener
        self._timers = timers
        self._last_error_at = float("-inf")

    def follow(self) -> None:
        """Do as the listener does now. To be called in the event loop, after each change."""
        try:
            if self._listener.listening:
                self._listener.settle()
                self._attach()
            else:
                self._detach()
                self._listener.settle()
        except Exception as error:  # noqa: BLE001 (a broken probe refuses, the worker goes on)
            self._gate.broken(error)

    @abstractmethod
    def _attach(self) -> None:
        """Begin to accept, if not begun."""

    @abstractmethod
    def _detach(self) -> None:
        """Let go of the socket, so that it can be closed."""

    def _accept_and_close(self) -> None:
        # socket.accept() would make a socket object only for us to close it: a third of the
        # CPU time of a check. This is the half of it that makes the system call.
        descriptor, _ = self._listener.socket._accept()  # type: ignore[attr-defined]
        close(descriptor)
        self.checks += 1
        if monotonic() > self._timers.overdue_at:
            self._timers.overdue()

    def _tell(self, error: Exception) -> None:
        if isinstance(error, BlockingIOError):
            return  # the event was of a time before the port refused and listened again
        now = monotonic()
        if now - self._last_error_at > _EPISODE:
            remark = f"cannot accept checks, and tries again every {_PAUSE} s: {error}"
            self._gate.remark(logging.WARNING, remark)
        self._last_error_at = now


class ReaderAcceptor(Acceptor):
    """Accepts in a callback of asyncio's `add_reader`: a check makes no task, future or stream."""

    def __init__(self, gate: Gate, listener: Listener, timers: Timers, loop: Any) -> None:
        super().__init__(gate, listener, timers)
        self._loop = loop
        self._reads: int | None = None

    def _attach(self) -> None:
        if self._reads is None:
            # The number, since uvloop would not let a socket object be closed while it is read.
            self._reads = self._listener.socket.fileno()
            self._loop.add_reader(self._reads, self._on_readable)

    def _detach(self) -> None:
        if self._reads is not None:
            self._loop.remove_reader(self._reads)
            self._reads = None

    def _on_readable(self) -> None:
        try:
            self._accept_and_close()
        except Exception as error:  # noqa: BLE001 (whatever accept raises, the worker goes on)
            self._detach()
            if self._listener.listening:
                self._tell(error)
                self._loop.call_later(_PAUSE, self.follow)


class TaskAcceptor(Acceptor):
    """Accepts in a task, for event loops without `add_reader`: trio's, and Proactor on Windows."""

    def __init__(
        self,
        gate: Gate,
        listener: Listener,
        timers: Timers,
        wait_readable: Callable[[int], Awaitable[None]],
        closed: type[Exception],
    ) -> None:
        super().__init__(gate, listener, timers)
        self._wait_readable = wait_readable
        self._closed = closed
        self._attached = anyio.Event()

    def _attach(self) -> None:
        self._attached.set()

    def _detach(self) -> None:
        if self._attached.is_set():
            self._attached = anyio.Event()
            anyio.notify_closing(self._listener.socket)

    async def run(self) -> None:
        """Accept for ever."""
        while True:
            await self._attached.wait()
            # The number, since the loop would ask a socket object for it at every check.
            reads = self._listener.socket.fileno()
            try:
                while True:
                    await self._wait_readable(reads)
                    self._accept_and_close()
            except self._closed:
                pass
            except Exception as error:  # noqa: BLE001 (whatever accept raises, the worker goes on)
                if self._listener.listening:
                    self._tell(error)
                await anyio.sleep(_PAUSE)

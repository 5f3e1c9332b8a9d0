from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from ._acceptor import PAUSE, Acceptor
from ._gate import Gate
from ._listener import Listener
from ._timers import Timers


class LoopAcceptor(Acceptor, ABC):
    """Accepts in the worker's own event loop, at most one connection a turn.

    One a turn leaves the worker its share of a flood. It is also the cheapest: to accept until
    there is nothing more costs a second system call and an exception for every check.
    """

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


class ReaderAcceptor(LoopAcceptor):
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
                self._loop.call_later(PAUSE, self.follow)


class TaskAcceptor(LoopAcceptor):
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
                await anyio.sleep(PAUSE)


def acceptor(gate: Gate, listener: Listener, timers: Timers, loop: Any) -> LoopAcceptor:
    """Make the acceptor that is right for the event loop."""
    if hasattr(loop, "run_sync_soon"):
        import trio

        # anyio's own wait_readable calls this one, at the price of 6 % of a check.
        wait_readable = trio.lowlevel.wait_readable
        return TaskAcceptor(gate, listener, timers, wait_readable, trio.ClosedResourceError)
    try:
        loop.remove_reader(listener.socket.fileno())
    except NotImplementedError:
        return TaskAcceptor(gate, listener, timers, anyio.wait_readable, anyio.ClosedResourceError)
    return ReaderAcceptor(gate, listener, timers, loop)

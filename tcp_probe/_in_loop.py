from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import anyio
import anyio.abc
import anyio.lowlevel

from . import _condition
from ._loop_acceptors import TaskAcceptor, acceptor
from ._port import Port
from ._running import call_soon, running_coroutine
from ._stall import StallWatch


class InLoop:
    """The async form of `serve`: it accepts in the worker's event loop, in tasks of its own."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._interrupt: BaseException | None = None

    async def enter(
        self,
        stall_timeout: float | None,
        condition: Callable[[], Awaitable[object]] | None,
        interval: float,
    ) -> None:
        """Begin to listen."""
        port, gate = self._port, self._port.gate
        loop = anyio.lowlevel.current_token().native_token
        port.acceptor = self._acceptor = acceptor(gate, port.listener, port.timers, loop)
        soon = call_soon(loop)

        def changed() -> None:
            with suppress(RuntimeError):  # the loop has ended, so there is nothing to follow
                soon(self._acceptor.follow)

        gate.changed = changed
        if condition is not None:
            _condition.hold(condition, gate)
        # Asked for now: a worker that is left to the garbage collector ends outside the loop.
        self._cancelled = anyio.get_cancelled_exc_class()
        self._coroutine = running_coroutine()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        try:
            self._begin(self._stay)
            if isinstance(self._acceptor, TaskAcceptor):
                self._begin(self._acceptor.run)
            if stall_timeout is not None:
                StallWatch(gate, port.timers, stall_timeout, soon).watch()
            if condition is not None:
                self._begin(partial(_condition.ask, condition, interval, gate, port.timers))
            port.open()
            self._acceptor.follow()
        except BaseException as error:  # a signal handler's
            await self.leave(error)
            raise

    async def leave(self, error: BaseException | None) -> None:
        """Refuse at once, then end what runs beside the worker; don't raise `error` itself."""
        if self._port.gate.forked:
            return  # the loop and the tasks are the parent's: a child must not wait for them
        try:
            self._end(error)
        except BaseException:  # a signal handler's
            self._end(error)
            raise
        finally:
            await self._leave_tasks(error)

    async def _leave_tasks(self, error: BaseException | None) -> None:
        if running_coroutine() is not self._coroutine:
            raise RuntimeError(
                "serve() was left in another task than it was entered in: where a worker begins and"
                " ends in hooks, call tcp_probe.start(...) in one and close() of its Probe in the"
                " other"
            )
        self._tasks.cancel_scope.cancel()
        try:
            # Without the worker's exception, which the task group would wrap in an ExceptionGroup.
            await self._tasks.__aexit__(None, None, None)
        except BaseException as late:
            # What has cancelled the worker, or a scope, cancels again; anything else would be lost.
            is_told = isinstance(error, self._cancelled) and isinstance(late, self._cancelled)
            if error is None or not (is_told or _condition.is_cancellation_from_outside(late)):
                raise
        if self._interrupt is not None:
            raise self._interrupt

    def _end(self, error: BaseException | None) -> None:
        if isinstance(error, self._cancelled):
            self._port.end("the worker was cancelled")
        else:
            self._port.end_with(error)
        self._acceptor.follow()
        self._port.listener.close()

    def _begin(self, background: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await background()
            except (KeyboardInterrupt, SystemExit) as interrupt:
                # On trio a signal handler strikes whatever runs, as ^C does. What it raises is
                # meant for the worker, and not in a group.
                self._interrupt = interrupt
                self._tasks.cancel_scope.cancel()
            except BaseException as error:
                if _condition.is_cancellation_from_outside(error):
                    raise
                if isinstance(error, self._cancelled):
                    # Somebody has cancelled all tasks of asyncio, as asyncio.run() does at its end.
                    reason = "all tasks of the event loop were cancelled"
                    self._port.gate.refuse("cancelled", reason, level=logging.INFO)
                else:
                    self._port.gate.broken(error)

        self._tasks.start_soon(guarded)

    async def _stay(self) -> None:
        """See the scope around being cancelled, and refuse before the worker has cleaned up."""
        try:
            # Not sleep_forever(), which on asyncio is a timer, and a loop with a timer asks the
            # time at each turn: that would be 5 % of the CPU time of every check.
            await anyio.Event().wait()
        except anyio.get_cancelled_exc_class() as error:
            if _condition.is_cancellation_from_outside(error):
                self._end(error)
            raise

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from types import TracebackType
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel

from . import _condition
from ._acceptor import Acceptor, ReaderAcceptor, TaskAcceptor
from ._arguments import path, seconds, whole_number
from ._defaults import BACKLOG, INTERVAL, STALL_TIMEOUT, TERMINATION_LOG
from ._gate import NOTHING, Gate
from ._listener import Listener
from ._probe import Probe
from ._stall import StallWatch
from ._timers import Timers


class serve(AbstractAsyncContextManager[Probe]):  # noqa: N801 (to its user it is a function)
    """Listen on `port` exactly while the worker inside the `async with` is alive.

    A check is a TCP connect, as kubelet's tcpSocket probe makes it. The port refuses checks as soon
    as the block is left or the scope around it is cancelled, and while a reason stands against
    listening: the event loop does not run, a watchdog has run out, the condition does not hold, or
    the worker has said so with `Probe.fail`. Each such change is one line of the logger
    `tcp_probe`. What the worker raises passes through as it is.

    asyncio's own cancellation of a task shows only when the block is left, that of a scope of anyio
    or trio at once. Yields a `Probe`. It can be entered once, and must be left in the task that
    entered it: not by a generator that is left to the garbage collector.

    `port`
        Where to listen, 0 to 65535; 0 stands for one that the kernel picks.
    `host`
        The address to listen on; a name stands for the first of its addresses, IPv4 before IPv6.
        None, the default, is every interface, IPv4 and IPv6: kubelet probes the pod's address.
    `backlog`
        One less than the checks that a process which no longer runs at all (stopped, or holding
        the GIL) may still pass, all clients together. The default of 2 is the least with which a
        healthy worker is never killed: kubelet starts the tickers of a pod's probes together, and
        with 3 checks at the same instant on a worker that is busy for 50 ms of every 100 ms, a
        backlog of 0 or 1 fails 43 or 15 % of them and gets the worker killed, 2 fails none
        (benchmarks/results/backlog.md). Each more shows a process that stands still a period later.
    `stall_timeout`
        How long, in seconds, the event loop may not run; after that, and before 1.62 times that,
        a thread makes the port refuse. None: don't watch. The default of 10 is above what an
        import or a large JSON document takes, and no more than Kubernetes' default period.
    `condition`
        An async callable that says whether the port may listen, for readiness. It is asked at once
        and then every `interval` seconds, never by a check. Until it has first returned something
        true, and while it returns something false, raises, or takes longer than `interval`, the
        port refuses.
    `interval`
        Seconds from one question to the next; 10 by default, as Kubernetes' periodSeconds.
    `termination_log`
        The file that Kubernetes shows when a container has ended (`kubectl describe pod`, Last
        State, Message); the default is its own. Where it exists, and there is no condition, it says
        why the port refuses and where the worker stands, until the port listens again; not of an
        end that was meant. While no Python code runs at all, as when a call keeps the GIL, the
        interpreter writes the stacks of all threads there, after 1 to 2.8 times `stall_timeout`.
        A file that holds something else is left alone. The environment variable
        TCP_PROBE_TERMINATION_LOG names another file. None: write nothing, and leave the one timer
        of `faulthandler.dump_traceback_later` to the worker.

    Raises `TypeError` or `ValueError`, when called, for an argument that cannot be meant; when
    entered `OSError`, with its errno, where the port is in use or forbidden or the host is not
    ours, and `RuntimeError` the second time.

        async with tcp_probe.serve(9090):
            await work()
    """

    def __init__(  # noqa: PLR0913 (its user names what differs from the defaults)
        self,
        port: int,
        *,
        host: str | None = None,
        backlog: int = BACKLOG,
        stall_timeout: float | None = STALL_TIMEOUT,
        condition: Callable[[], Awaitable[object]] | None = None,
        interval: float = INTERVAL,
        termination_log: str | os.PathLike[str] | None = TERMINATION_LOG,
    ) -> None:
        self._port = whole_number("port", port, 0, 65535)
        if not isinstance(host, (str, type(None))):
            raise TypeError(f"host: expected a text or None, got {host!r} ({type(host).__name__})")
        self._host = host
        self._backlog = whole_number("backlog", backlog, 0, 2**31 - 1)
        self._stall_timeout = (
            None if stall_timeout is None else seconds("stall_timeout", stall_timeout)
        )
        if not (condition is None or callable(condition)):
            raise TypeError(f"condition: expected an async callable or None, got {condition!r}")
        self._condition = condition
        self._interval = seconds("interval", interval)
        self._termination_log = path("termination_log", termination_log)
        self._entered = False
        self._ended = False
        self._interrupt: KeyboardInterrupt | None = None

    async def __aenter__(self) -> Probe:
        if self._entered:
            raise RuntimeError("serve() was entered before: call it again for each `async with`")
        loop: Any = anyio.lowlevel.current_token().native_token
        self._listener = Listener(self._host, self._port, self._backlog)
        self._entered = True
        # Readiness is no reason to end.
        termination_log = self._termination_log if self._condition is None else None
        self._gate = Gate(self._listener, termination_log)
        self._timers = Timers(self._gate)
        self._acceptor = _acceptor(self._gate, self._listener, self._timers, loop)
        call_soon = _call_soon(loop)
        self._gate.changed = partial(call_soon, self._acceptor.follow)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._begin(self._stay)
        if self._stall_timeout is not None:
            StallWatch(self._gate, self._timers, self._stall_timeout, call_soon).watch()
        if isinstance(self._acceptor, TaskAcceptor):
            self._begin(self._acceptor.run)
        if self._condition is None:
            self._gate.open()
            self._acceptor.follow()
        else:
            _condition.hold(self._gate)
            self._begin(
                partial(_condition.ask, self._condition, self._interval, self._gate, self._timers)
            )
        return Probe(self._listener.port, self._gate, self._acceptor, self._timers)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            self._end("the worker has ended")
        elif isinstance(exc, anyio.get_cancelled_exc_class()):
            self._end("the worker was cancelled")
        else:
            level = logging.WARNING if isinstance(exc, Exception) else logging.INFO
            self._end("the worker ended with", level, exc)
        self._tasks.cancel_scope.cancel()
        try:
            # Without the worker's exception, which the task group would wrap in an ExceptionGroup.
            await self._tasks.__aexit__(None, None, None)
        except BaseException:
            if exc is None:
                raise
        if self._interrupt is not None:
            raise self._interrupt

    def _begin(self, background: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await background()
            except KeyboardInterrupt as interrupt:
                # On trio ^C strikes whatever runs. It is meant for the worker, and not in a group.
                self._interrupt = interrupt
                self._tasks.cancel_scope.cancel()
            except BaseException as error:
                if _condition.is_cancellation_from_outside(error):
                    raise
                # Also where somebody cancels all tasks of asyncio: that must not end the worker.
                self._gate.broken(error)

        self._tasks.start_soon(guarded)

    async def _stay(self) -> None:
        """See the scope around being cancelled, and refuse before the worker has cleaned up."""
        try:
            # Not sleep_forever(), which on asyncio is a timer, and a loop with a timer asks the
            # time at each turn: that would be 5 % of the CPU time of every check.
            await anyio.Event().wait()
        except anyio.get_cancelled_exc_class() as error:
            if _condition.is_cancellation_from_outside(error):
                self._end("the worker was cancelled")
            raise

    def _end(self, reason: str, level: int = logging.INFO, about: object = NOTHING) -> None:
        if self._ended:
            return
        try:
            self._gate.refuse("end", reason, about=about, level=level)
        finally:
            self._acceptor.follow()
            self._listener.close()
            self._timers.close()
        self._ended = True
        self._gate.finish()


serve.__module__ = "tcp_probe"


def _acceptor(gate: Gate, listener: Listener, timers: Timers, loop: Any) -> Acceptor:
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


def _call_soon(loop: Any) -> Callable[[Callable[[], None]], None]:
    """Return what calls a function in the event loop, from any thread or signal handler."""
    call = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon

    def soon(function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, so there is nothing to follow
            call(function)

    return soon

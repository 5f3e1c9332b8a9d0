from __future__ import annotations

import os
import sys
import warnings
import weakref
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from types import TracebackType

from ._acceptor import ThreadAcceptor
from ._arguments import path, seconds, whole_number, wrong_type
from ._defaults import BACKLOG, INTERVAL, STALL_TIMEOUT, TERMINATION_LOG
from ._listener import Listener
from ._port import Port
from ._probe import Probe, probe_of
from ._running import call_soon, running_loop
from ._stall import StallWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._in_loop import InLoop

# Without pings, which wake the thread anyway, the dump of all stacks is armed so many times as
# seldom: a process that keeps the GIL does not end before the whole grace period is over.
_GIL_SELDOM = 1.25


class serve(  # noqa: N801 (to its user it is a function)
    AbstractContextManager[Probe], AbstractAsyncContextManager[Probe]
):
    """Listen on `port` exactly while the worker inside the block is alive; yields a `Probe`.

    A check is a TCP connect, as kubelet's tcpSocket probe makes it. The port refuses checks as soon
    as the block is left or the scope around it is cancelled, and while a reason stands against
    listening: the event loop does not run, a watchdog has run out, the condition does not hold, or
    the worker has said so with `Probe.fail`. Each such change is one line of the logger
    `tcp_probe`. What the worker raises passes through as it is.

    With `async with` the worker's own event loop accepts the checks: asyncio's, uvloop's or trio's.
    asyncio's own cancellation of a task shows only when the block is left, that of a scope of anyio
    or trio at once. The block must be left in the task that entered it: not by a generator that is
    left to the garbage collector, and not in another hook of a framework, for which there is
    `start`.

    With a plain `with`, for a worker without an event loop, a thread accepts. Then only a
    `watchdog` sees that the worker is stuck; inside an event loop that runs in this thread, that
    loop is watched as well. Under gevent or eventlet, whose threads are none, what blocks
    everything also blocks the watch: a port that nobody accepts on still refuses in the end, when
    its queue is full.

    `port`
        Where to listen, 0 to 65535; 0 stands for one that the kernel picks.
    `host`
        The address to listen on; a name stands for the first of its addresses, IPv4 before IPv6.
        None, the default, is every interface, IPv4 and IPv6: kubelet probes the pod's address.
    `backlog`
        One less than the checks that a process which no longer runs at all (stopped, or holding
        the GIL) may still pass, all clients together. The default of 2 is the least with which a
        healthy worker is never killed: kubelet starts the tickers of a pod's probes together, and
        of 3 checks at the same instant, on a worker that is busy half of the time, 1 fails 16 % and
        2 fails none (benchmarks/results/backlog.md). Each more shows a process that stands still a
        period later.
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
    `wait`
        What to do where the port is in use. False, the default: raise. True: begin all the same,
        say so once, and try again each second until the port is free, for workers that overlap for
        a while, as at a reload. Until then whoever listens there answers the checks.
    `termination_log`
        The file that Kubernetes shows when a container has ended (`kubectl describe pod`, Last
        State, Message); the default is its own. Where it exists, and there is no condition, it says
        why the port refuses and where the worker stands, until the port listens again; not of an
        end that was meant. While no Python code runs at all, as when a call keeps the GIL, the
        interpreter writes the stacks of all threads there, after 1 to 3.4 times `stall_timeout` (in
        a plain `with` up to 4.3). A file that holds something else is left alone. The environment
        variable TCP_PROBE_TERMINATION_LOG names another file. None: write nothing, and leave the
        one timer of `faulthandler.dump_traceback_later` to the worker. Older CPythons may end with
        SIGSEGV when they go on after a stop (SIGSTOP, a frozen cgroup) that was as long.

    Raises `TypeError` or `ValueError`, when called, for an argument that cannot be meant; when
    entered `OSError`, with its errno, where the port is in use or forbidden or the host is not
    ours, `TypeError` for a condition that is not async or in a plain `with`, and `RuntimeError` the
    second time or where no thread can be started for a plain `with`.

        async with tcp_probe.serve(9090):
            await work()

        with tcp_probe.serve(9090) as probe:
            for job in jobs:
                with probe.watchdog(timeout=600):
                    handle(job)
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
        wait: bool = False,
        termination_log: str | os.PathLike[str] | None = TERMINATION_LOG,
    ) -> None:
        self._number = whole_number("port", port, 0, 65535)
        if not isinstance(host, (str, type(None))):
            raise wrong_type("host", "a text or None", host)
        self._host = host
        self._backlog = whole_number("backlog", backlog, 0, 2**31 - 1)
        self._stall_timeout = (
            None if stall_timeout is None else seconds("stall_timeout", stall_timeout)
        )
        if not (condition is None or callable(condition)):
            raise TypeError(f"condition: expected an async callable or None, got {condition!r}")
        self._condition = condition
        self._interval = seconds("interval", interval)
        if not isinstance(wait, bool):
            raise wrong_type("wait", "a bool", wait)
        self._wait = wait
        self._termination_log = path("termination_log", termination_log)
        self._entered = False
        self._port: Port | None = None
        self._in_loop: InLoop | None = None
        tell = partial(_tell_that_it_was_not_entered, port, os.getpid())
        self._unused: object = weakref.ref(self, tell)

    def __enter__(self) -> Probe:
        return self._begin(guarded=True)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._port is not None:
            self._port.end_with(exc)

    async def __aenter__(self) -> Probe:
        from ._in_loop import InLoop

        self._unused = None
        port = self._take(blocking=False)
        try:
            probe, in_loop = probe_of(port), InLoop(port)
            self._guard(port)
            await in_loop.enter(self._stall_timeout, self._condition, self._interval)
        except BaseException:
            port.abandon()
            raise
        self._in_loop = in_loop
        return probe

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._in_loop is not None:
            await self._in_loop.leave(exc)

    def _begin(self, *, guarded: bool) -> Probe:
        """Listen, and accept in a thread, until the port is ended or, if guarded, this is gone."""
        self._unused = None
        if self._condition is not None:
            raise TypeError(
                f"condition: expected None, got {self._condition!r}:"
                " outside an `async with` there is nobody to ask it"
            )
        port = self._take(blocking=True)
        try:
            probe = probe_of(port)
            if guarded:
                self._guard(port)
            port.acceptor = acceptor = ThreadAcceptor(port.gate, port.listener, port.timers)
            acceptor.start()
            loop = running_loop()
            if self._stall_timeout is None:
                pass
            elif loop is not None:
                StallWatch(port.gate, port.timers, self._stall_timeout, call_soon(loop)).watch()
            elif port.gate.last_words.has_file:
                seldom = _GIL_SELDOM * self._stall_timeout
                port.timers.keep_armed = partial(port.gate.last_words.arm, seldom)
                port.timers.begin()
            port.open()
        except BaseException:
            port.abandon()
            raise
        self._port = port
        return probe

    def _guard(self, port: Port) -> None:
        # Should a signal handler raise where the end of the block begins, this ends it.
        port.guard = weakref.ref(self, lambda _: port.end_with(None))

    def _take(self, *, blocking: bool) -> Port:
        if self._entered:
            raise RuntimeError("serve() was entered before: call it again for each `with`")
        listener = Listener(
            self._host, self._number, self._backlog, blocking=blocking, wait=self._wait
        )
        self._entered = True
        # Readiness is no reason to end.
        return Port(listener, self._termination_log if self._condition is None else None)


serve.__module__ = "tcp_probe"


def _tell_that_it_was_not_entered(port: int, maker: int, _: object) -> None:
    # A child that was forked has only a copy, and as the interpreter ends nobody enters any more.
    if os.getpid() == maker and not sys.is_finalizing():
        message = (
            f"serve({port}) was never entered, so nothing listens: write "
            f"`async with tcp_probe.serve({port}):`, or a plain `with`, or call tcp_probe.start"
        )
        warnings.warn(message, RuntimeWarning, stacklevel=2)

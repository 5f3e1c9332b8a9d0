from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import final

from ._gate import Gate
from ._where import here


@final
class Watchdog:
    """A timer that makes the port refuse checks while it has run out.

    `Probe.watchdog` makes one, and its `with` block runs it:

        with probe.watchdog(timeout=180) as watchdog:
            async for message in client.receive_response():
                watchdog.reset()
    """

    __slots__ = ("_ran_out", "_reason", "_reset_at", "_running", "_timeout", "_timers", "_where")

    def __init__(
        self,
        timers: Timers,
        timeout: float,
        reason: str,
        where: Callable[[], Callable[[], str]] = here,
    ) -> None:
        self._timers = timers
        self._timeout = timeout
        self._reason = reason
        self._where = where
        self._reset_at = 0.0
        self._running = False
        self._ran_out = False

    def __enter__(self) -> Watchdog:
        if self._running:
            raise RuntimeError("this watchdog is running: call watchdog() again for another timer")
        self._reset_at = monotonic()
        self._running = True
        self._timers.start(self, self._where())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running = False
        self._timers.stop(self)
        self._ran_out = False

    def reset(self) -> None:
        """Start the timer again; a port that refuses because it ran out answers checks again.

        Safe from any thread, and cheap enough for every message (well under 1 µs).

            watchdog.reset()
        """
        self._reset_at = monotonic()
        if self._ran_out:
            self._ran_out = False
            self._timers.recover(self)

    def _runs_out_at(self) -> float:
        return self._reset_at + self._timeout

    def _run_out(self) -> bool:
        # reset() writes the time and then looks whether the timer ran out. The other way round
        # here, so that whichever comes second sees what the first has done.
        self._ran_out = True
        if not self._running or self._runs_out_at() > monotonic():
            self._ran_out = False
        return self._ran_out


Watchdog.__module__ = "tcp_probe"


class Timers:
    """Looks after the watchdogs of one port, in a thread: the event loop may be what stands still.

    The thread starts with the first watchdog, since a process without threads can fork in peace.
    """

    # How late a watchdog may be seen to run out, as a part of the shortest timeout. It bounds how
    # often the thread wakes, however many watchdogs there are, as every time it looks at them all.
    _LATENESS = 0.01

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._watchdogs: dict[Watchdog, Callable[[], str]] = {}
        self._thread: Thread | None = None
        self._wakes_at = float("inf")
        self._closed = False

    def start(self, watchdog: Watchdog, where: Callable[[], str]) -> None:
        """Let `watchdog` run; `where` tells where its task stands when it has run out."""
        with self._gate.lock:
            if self._closed:
                return
            self._watchdogs[watchdog] = where
            self._wake_for(watchdog)
            if self._thread is not None:
                return
            self._thread = Thread(target=self._run, name="tcp_probe", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the process may not have one thread more
            self._gate.broken(error)

    def stop(self, watchdog: Watchdog) -> None:
        """Let `watchdog` run no more, and forget that it ran out."""
        with self._gate.lock:
            self._watchdogs.pop(watchdog, None)
        self._gate.withdraw(watchdog)

    def recover(self, watchdog: Watchdog) -> None:
        """Let a watchdog that ran out run again."""
        self._gate.withdraw(watchdog)
        with self._gate.lock:
            self._wake_for(watchdog)

    def close(self) -> None:
        """Let no watchdog run any more, and end the thread."""
        with self._gate.lock:
            self._closed = True
            self._watchdogs.clear()
            self._gate.lock.notify_all()

    def _wake_for(self, watchdog: Watchdog) -> None:
        if watchdog._runs_out_at() < self._wakes_at:
            self._gate.lock.notify_all()

    def _run(self) -> None:
        try:
            while not self._closed:
                for watchdog, where in self._wait():
                    self._gate.refuse(
                        watchdog, watchdog._reason, still=watchdog._run_out, where=where
                    )
        except BaseException as error:
            self._gate.broken(error)
            raise

    def _wait(self) -> list[tuple[Watchdog, Callable[[], str]]]:
        """Sleep until the next watchdog is due at the earliest, then return those that are due."""
        with self._gate.lock:
            now = monotonic()
            waiting = [each for each in self._watchdogs.items() if not each[0]._ran_out]
            due = [each for each in waiting if each[0]._runs_out_at() <= now]
            if not due and not self._closed:
                pause = None
                self._wakes_at = float("inf")
                if waiting:
                    first = min(watchdog._runs_out_at() for watchdog, _ in waiting)
                    shortest = min(watchdog._timeout for watchdog, _ in waiting)
                    pause = max(first - now, shortest * self._LATENESS)
                    self._wakes_at = now + pause
                self._gate.lock.wait(pause)
            return due

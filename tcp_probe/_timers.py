from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread, current_thread
from time import monotonic

from ._defaults import LATENESS
from ._gate import Gate
from ._in_order import OwnThread
from ._locked import locked
from ._timer import Timer
from ._where import thread_stack

# How late (s) the thread may be before it counts as overdue, and how long it then has to show that
# it lives: after a process stood still, its event loop may run before this thread does.
_GRACE = 2.0

# How long (s) the thread sleeps at most while a timer runs, if the shortest is not four times as
# long: it tells by the end of its sleep that the process stood still.
_LONGEST_SLEEP = 6.0


class Timers:
    """Looks after the timers of one port, in a thread: the event loop may be what stands still.

    The thread starts only once there is something to look after, since a process without threads
    can fork in peace.
    """

    def __init__(self, gate: Gate) -> None:
        self.overdue_at = float("inf")
        # Called whenever the thread looks: has all stacks dumped should no Python run any more, and
        # returns until when the next call can wait.
        self.keep_armed: Callable[[], float] = lambda: float("inf")
        self._gate = gate
        self.running: set[Timer] = set()
        self._thread: Thread | None = None
        self._wake = Lock()
        self._wake.acquire()
        self._wakes_at = float("inf")
        self._suspected = False
        self._closed = False

    def start(self, timer: Timer) -> None:
        """Look after `timer` from now on."""
        locked(self._gate.lock, partial(self._add, timer))
        self.begin()

    def begin(self) -> None:
        """Start the thread, if it has not been started."""
        if self._closed or self._thread is not None:
            return
        try:
            OwnThread(self._run).start()
        except RuntimeError as error:
            if "interpreter" in str(error):
                # One that may have no threads that end with it: it listens, but unwatched.
                self.close()
                self._gate.remark(logging.WARNING, f"is not watched: {error}")
            else:  # the process may not have one thread more
                self._gate.broken(error)

    def _add(self, timer: Timer) -> None:
        if self._gate.forked and not self._closed:
            remark = "belongs to the parent process: in this child watchdogs do nothing"
            self._gate.remark(logging.WARNING, remark)
            self._closed = True
        if not self._closed:
            self.running.add(timer)
            self._look_at(timer)

    def stop(self, timer: Timer) -> None:
        """Look after `timer` no more."""
        locked(self._gate.lock, partial(self.running.discard, timer))

    def look_at(self, timer: Timer) -> None:
        """Note that `timer` may be due earlier than it was."""
        locked(self._gate.lock, partial(self._look_at, timer))

    def _look_at(self, timer: Timer) -> None:
        if timer.due_at() < self._wakes_at:
            self._expect(monotonic())
            self._awake()

    def close(self) -> None:
        """Look after no timer any more, and end the thread."""
        locked(self._gate.lock, self._close)

    def _close(self) -> None:
        self._closed = True
        self.running.clear()
        self._expect(float("inf"))
        self._awake()

    def overdue(self) -> None:
        """Refuse, if the thread does not come back: nobody else would see that it does not watch.

        To be called by whoever accepts, at a check after `overdue_at`.
        """
        if locked(self._gate.lock, self._suspect):
            self._gate.refuse(
                self,
                "the thread that watches does not run",
                still=lambda: self._suspected,
                where=None if self._thread is None else partial(thread_stack, self._thread),
            )

    def _suspect(self) -> bool:
        suspected, self._suspected = self._suspected, True
        self.overdue_at = float("inf") if suspected else monotonic() + _GRACE
        self._awake()
        return suspected

    def _expect(self, at: float) -> None:
        self._wakes_at = at
        self.overdue_at = at + _GRACE

    def _awake(self) -> None:
        # A lock is the one thing to wait for that a signal handler cannot leave half-way.
        if self._wake.locked():
            self._wake.release()

    def _run(self) -> None:
        try:
            with self._gate.lock:
                if self._thread is not None:
                    return
                self._thread = current_thread()
            while not self._closed:
                for timer in self._due():
                    timer.due()
        except BaseException as error:  # noqa: BLE001 (a broken probe refuses, the worker goes on)
            self._gate.broken(error)

    def _due(self) -> list[Timer]:
        """Return the timers that are due; if there are none, sleep until one may be."""
        if self._suspected:
            self._suspected = False
            self._gate.withdraw(self)
        # Without the lock, for which the worker may wait: it uses a file, and that may be slow.
        look_at = self.keep_armed()
        with self._gate.lock:
            now = monotonic()
            late = now - self._wakes_at
            for timer in self.running:
                timer.forgive(late, now)
            due = [timer for timer in self.running if timer.due_at() <= now]
            self._expect(now)
            if due:
                return due
            pause = look_at - now
            if self.running:
                first = min(timer.due_at() for timer in self.running)
                shortest = min(timer.timeout for timer in self.running)
                longest = max(shortest / 4, _LONGEST_SLEEP)
                pause = min(pause, max(first - now, shortest * LATENESS), longest)
            self._expect(now + pause)
        self._wake.acquire(timeout=-1 if pause == float("inf") else max(pause, 0))
        return []

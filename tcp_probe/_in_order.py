from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import RLock, Thread, current_thread
from time import monotonic, sleep

# The most that waits to be told, where telling hangs: what comes later pushes out the oldest.
_MOST = 1000

# How long (s) the end of a worker waits for what is being told in another thread: a process that
# ends takes that thread with it.
_LAST_WORDS = 1.0


class OwnThread(Thread):
    """A thread of the listener's own, which nothing of the worker's may hold up or end."""

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__(target=run, name="tcp_probe", daemon=True)


class InOrder:
    """Runs what it is given one after the other, in that order, whichever threads give it.

    A thread that finds another at work leaves its own to it and goes on. So whoever is slow to take
    a line of the log in holds up the lines behind it, and nobody else.
    """

    def __init__(self, lock: RLock, *, elsewhere: bool) -> None:
        self._lock = lock
        self._elsewhere = elsewhere
        self._waiting: deque[Callable[[], object]] = deque(maxlen=_MOST)
        self._busy = False

    def put(self, act: Callable[[], object]) -> None:
        """Add what is to be run. To be called with the lock held, which makes the order."""
        self._waiting.append(act)

    def run(self) -> None:
        """Run what waits; with `elsewhere`, not in a thread of the listener's own."""
        if not self._waiting or self._busy:
            return
        if self._elsewhere and isinstance(current_thread(), OwnThread):
            thread = Thread(target=self._run, name="tcp_probe tells", daemon=True)
            # Where the process may not have one thread more, it has to be this one.
            with suppress(RuntimeError):
                thread.start()
                return
        self._run(Exception)

    def finish(self) -> None:
        """Run what waits, and wait a moment for what runs in another thread."""
        ends = monotonic() + _LAST_WORDS
        self.run()
        while (self._waiting or self._busy) and monotonic() < ends:
            sleep(0.005)
            self.run()

    def _run(self, survived: type[BaseException] = BaseException) -> None:
        mine = False
        try:
            while True:
                with self._lock:
                    if self._busy and not mine:
                        return
                    mine = self._busy = bool(self._waiting)
                    if not mine:
                        return
                    act = self._waiting.popleft()
                # A log that cannot be written is no reason to end a worker.
                with suppress(survived):
                    act()
        finally:
            if mine:
                self._busy = False

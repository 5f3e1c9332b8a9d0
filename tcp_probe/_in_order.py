from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import RLock, Thread, current_thread
from time import monotonic, sleep

from ._locked import locked

# The most that waits to be told, where telling hangs: what comes later pushes out the oldest.
_MOST = 1000

# How long (s) news waits for its details; and how long the end of a worker waits for what is being
# told in another thread, which a process that ends takes with it.
_PATIENCE = 1.0


class OwnThread(Thread):
    """A thread of the listener's own, which nothing of the worker's may hold up or end."""

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__(target=run, name="tcp_probe", daemon=True)


class News:
    """What is told of a port: that it refuses checks, for reasons; that it answers; or a remark."""

    def __init__(
        self, level: int, error: BaseException | None = None, *, is_known: bool = True
    ) -> None:
        self.level = level
        self.error = error
        self.reasons: tuple[str, ...] = ()
        self.remark = ""
        self.place = ""
        self.raised_at = ""
        # It has its place in the order before all of it is known; but not for long.
        self.is_known = is_known
        self._known_by = monotonic() + _PATIENCE

    @property
    def is_ready(self) -> bool:
        """Whether it can be told."""
        return self.is_known or monotonic() > self._known_by


class InOrder:
    """Tells news one after the other, in the order in which it was put, whichever threads do so.

    A thread that finds another at work leaves its own to it and goes on. So whoever is slow to take
    a line of the log in holds up the lines behind it, and nobody else.
    """

    def __init__(self, lock: RLock, tell: Callable[[News], object], *, elsewhere: bool) -> None:
        self._lock = lock
        self._tell = tell
        self._elsewhere = elsewhere
        self._waiting: deque[News] = deque(maxlen=_MOST)
        self._busy = False

    def put(self, news: News) -> None:
        """Add what is to be told. To be called with the lock held, which makes the order."""
        self._waiting.append(news)

    def run(self) -> None:
        """Tell what waits; with `elsewhere`, not in a thread of the listener's own."""
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
        """Tell what waits, and wait a moment for what another thread tells."""
        ends = monotonic() + _PATIENCE
        self.run()
        while (self._waiting or self._busy) and monotonic() < ends:
            sleep(0.005)
            self.run()

    def _run(self, survived: type[BaseException] = BaseException) -> None:
        mine = False

        def next_news() -> News | None:
            nonlocal mine
            if self._busy and not mine:
                return None
            mine = self._busy = bool(self._waiting) and self._waiting[0].is_ready
            return self._waiting.popleft() if mine else None

        try:
            while news := locked(self._lock, next_news):
                # A log that cannot be written is no reason to end a worker.
                with suppress(survived):
                    self._tell(news)
        finally:
            if mine:
                self._busy = False

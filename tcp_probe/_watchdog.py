from __future__ import annotations

import warnings
import weakref
from time import monotonic
from types import TracebackType
from typing import final

from ._not_by_hand import NotByHand
from ._timer import Timer
from ._where import here


@final
class Watchdog(metaclass=NotByHand):
    """A timer that makes the port refuse checks while it has run out.

    `Probe.watchdog` makes one, and its `with` block runs it:

        with probe.watchdog(timeout=180) as watchdog:
            async for message in client.receive_response():
                watchdog.reset()

    Where a step begins in one function and ends in another, `start` and `stop` do the same.
    """

    __slots__ = ("__weakref__", "_timer")
    _comes_from = "it is returned by the watchdog() of a Probe"
    _timer: Timer

    def __enter__(self) -> Watchdog:
        # Should a signal handler raise where the end of the block begins, nobody else stops it.
        # And not a __del__: what a handler raises in there is lost.
        timer = self._timer
        self._run(weakref.ref(self, lambda _: timer.stop()))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.stop()

    def start(self) -> None:
        """Run the timer from now on, until `stop`.

        For hooks that come in pairs; where one block holds the step, `with` is safer. Raises
        `RuntimeError` where it runs already.

            self.watchdog = probe.watchdog(timeout=60)
            self.watchdog.start()
        """
        self._run(self)

    def stop(self) -> None:
        """Stop the timer; a port that refuses because it ran out answers checks again.

        Where it does not run, do nothing. It can be started again.

            self.watchdog.stop()
        """
        self._timer.stop()

    def reset(self) -> None:
        """Start the timer again; a port that refuses because it ran out answers checks again.

        Safe from any thread, and cheap enough for every message (well under 1 µs).

            watchdog.reset()
        """
        timer = self._timer
        timer.reset_at = monotonic()
        if timer in timer.standing:
            timer.come_back()

    def _run(self, guard: object) -> None:
        if self._timer.running:
            raise RuntimeError("this watchdog is running: call watchdog() again for another timer")
        try:
            self._timer.start(here(), guard)
        except BaseException:
            self._timer.stop()
            raise


Watchdog.__module__ = "tcp_probe"


def watchdog(timer: Timer) -> Watchdog:
    """Make the `Watchdog` of a timer; its users get it from `Probe.watchdog`."""
    made = Watchdog.__new__(Watchdog)
    made._timer = timer
    timer.guard = weakref.ref(made, _tell_that_it_was_not_used)
    return made


def _tell_that_it_was_not_used(_: object) -> None:
    message = "a watchdog was never started: write `with probe.watchdog(...):`, or call start()"
    warnings.warn(message, RuntimeWarning, stacklevel=2)

from __future__ import annotations

import logging

from ._acceptor import Acceptor
from ._gate import NOTHING, Gate
from ._listener import Listener
from ._timers import Timers
from ._waiting import WaitForPort


class Port:
    """A port with all that keeps it true; which acceptor it has depends on the worker."""

    def __init__(self, listener: Listener, termination_log: str | None) -> None:
        self.listener = listener
        self.gate = Gate(listener, termination_log)
        self.timers = Timers(self.gate)
        self.acceptor = Acceptor(self.gate, listener, self.timers)
        # Kept until the end.
        self.guard: object = None
        self._ended = False

    def open(self) -> None:
        """Listen, or wait for a port that is in use and then listen."""
        if self.listener.is_bound:
            self.gate.open()
        else:
            WaitForPort(self.gate, self.timers, self.listener).begin()

    def end(self, reason: str, level: int = logging.INFO, about: object = NOTHING) -> None:
        """Refuse for good. Once; and in a forked child, whose port it is not, not at all."""
        if self._ended or self.gate.forked:
            return
        try:
            self._end(reason, level, about)
        except BaseException:  # a signal handler's, which may strike anywhere in it
            self._end(reason, level)
            raise

    def end_with(self, error: BaseException | None) -> None:
        """Refuse for good, since the worker has ended, with what it raised if it has."""
        if error is None:
            self.end("the worker has ended")
        else:
            level = logging.WARNING if isinstance(error, Exception) else logging.INFO
            self.end("the worker ended with", level, error)

    def abandon(self) -> None:
        """Let go of a port that the worker could not begin with."""
        reason = "the worker did not begin"
        if self.listener.listening:  # a signal handler has raised after it was opened
            self.end(reason)
        else:  # there is nothing to tell
            self.gate.hold("end", reason)
            self._let_go()
            self.gate.last_words.close()
        self.listener.close()

    def _end(self, reason: str, level: int, about: object = NOTHING) -> None:
        self.gate.refuse("end", reason, about=about, level=level)
        self._let_go()
        self._ended = True
        self.gate.finish()

    def _let_go(self) -> None:
        self.guard = None
        self.timers.close()
        self.acceptor.close()

from __future__ import annotations

import logging
from errno import EADDRINUSE
from time import monotonic

from ._gate import Gate
from ._listener import Listener
from ._timer import Timer
from ._timers import Timers

# How long (s) from one try to take the port to the next.
_PAUSE = 1.0

_CAUSE = "in use"


class WaitForPort(Timer):
    """Takes a port that is in use as soon as it is free, for workers that overlap for a while."""

    __slots__ = ("_listener",)

    def __init__(self, gate: Gate, timers: Timers, listener: Listener) -> None:
        super().__init__(gate, timers, _PAUSE, "")
        self._listener = listener

    def begin(self) -> None:
        """Try from now on, and say so once."""
        self._gate.hold(_CAUSE, "another process listens on the port")
        remark = f"is in use, and is tried again every {_PAUSE:g} s until it is free"
        self._gate.remark(logging.WARNING, remark)
        self.start(str)

    def due(self) -> None:
        """Try again."""
        self.reset_at = monotonic()
        with self._gate.lock:
            if self not in self._timers.running:
                return  # the worker has ended meanwhile
            try:
                self._listener.bind()
            except OSError as error:
                if error.errno != EADDRINUSE:
                    raise
                return
        self._timers.stop(self)
        self._gate.withdraw(_CAUSE)

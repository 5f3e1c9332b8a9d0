from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from ._gate import Gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._timers import Timers

# A timer that is looked at later than this part of its timeout, and this long (s), is one of a
# process that stood still as a whole, frozen or held up.
_STOOD_STILL = 0.1
_STOOD_STILL_AT_LEAST = 0.5


class Timer:
    """Makes the port refuse while `timeout` seconds have gone by without a reset."""

    __slots__ = (
        "_forgiven_at",
        "_gate",
        "_reason",
        "_timers",
        "_where",
        "guard",
        "reset_at",
        "running",
        "standing",
        "timeout",
    )

    def __init__(self, gate: Gate, timers: Timers, timeout: float, reason: str) -> None:
        self.timeout = timeout
        # Whether it stands against listening is seen here: no second note of it could differ.
        self.standing = gate._reasons
        self.running = False
        self.reset_at = 0.0
        self.guard: object = None
        self._forgiven_at = 0.0
        self._where: Callable[[], str] | None = None
        self._gate = gate
        self._timers = timers
        self._reason = reason

    def start(self, where: Callable[[], str], guard: object = None) -> None:
        """Run from now on; `where` is asked where the worker stands once the timer runs out.

        `guard` is kept for as long as the timer runs.
        """
        self._where = where
        self.guard = guard
        self.reset_at = monotonic()
        self.running = True
        self._timers.start(self)

    def stop(self) -> None:
        """Run no more, and take the reason back."""
        try:
            self._stop()
        except BaseException:  # a signal handler's, which may strike in the middle
            self._stop()
            raise

    def _stop(self) -> None:
        self.running = False
        self.guard = self._where = None
        self._timers.stop(self)
        self._gate.withdraw(self)

    @property
    def ran_out(self) -> bool:
        """Whether it stands against listening."""
        return self in self.standing

    def come_back(self) -> None:
        """Let the port listen again, after a reset."""
        self._gate.withdraw(self)
        self._timers.look_at(self)

    def forgive(self, late: float, now: float) -> None:
        """Start again where the process stood still, once for a reset: a healthy worker comes."""
        stood_still = late > max(_STOOD_STILL * self.timeout, _STOOD_STILL_AT_LEAST)
        if stood_still and self.reset_at != self._forgiven_at:
            self.reset_at = self._forgiven_at = now

    def due_at(self) -> float:
        """Return when, by `time.monotonic`, there is something to do; infinity for never."""
        return float("inf") if self.ran_out else self.reset_at + self.timeout

    def due(self) -> None:
        """Make the port refuse, in the thread of `Timers`."""
        self._gate.refuse(self, self._reason, still=self._is_over, where=self._where)

    def _is_over(self) -> bool:
        # A reset writes the time and then looks whether the reason stands. The other way round
        # here, so that whichever comes second sees what the first has done.
        return self.running and self.reset_at + self.timeout <= monotonic()

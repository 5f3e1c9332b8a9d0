from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from threading import Condition

from ._listener import Listener

logger = logging.getLogger("tcp_probe")

_BROKEN = "broken"
_FORKED = "forked"


def described(thing: object) -> str:
    """Return `repr(thing)` for a reason, also where that is the worker's own code and raises."""
    try:
        return repr(thing)
    except Exception as error:  # noqa: BLE001 (a reason is told, whatever it is)
        return f"{type(thing).__name__}, whose repr raised {type(error).__name__}"


class Gate:
    """Decides whether the port listens: exactly while there is no reason against it.

    Every method may be called from any thread, and from a signal handler.
    """

    def __init__(self, listener: Listener) -> None:
        self.refusals = 0
        self.changed: Callable[[], object] = lambda: None
        self._listener = listener
        self._reasons: dict[object, str] = {}
        self._told: bool | None = None
        self._deciding = False
        self._undecided = False
        # Reentrant, because a signal handler may come while its own thread is inside.
        self.lock = Condition()
        _gates.add(self)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stands against listening, oldest first."""
        return tuple(self._reasons.copy().values())

    @property
    def listening(self) -> bool:
        """Whether nothing stands against listening."""
        return not self._reasons

    def hold(self, cause: object, reason: str) -> None:
        """Don't listen before `cause` is withdrawn; there is nothing to tell anybody yet."""
        self._reasons[cause] = reason

    def open(self) -> None:
        """Listen, if nothing stands against it."""
        with self.lock:
            news = self._decide()
        self._tell(news)

    def refuse(  # noqa: PLR0913 (each says another thing about the same refusal)
        self,
        cause: object,
        reason: str,
        *,
        still: Callable[[], bool] = lambda: True,
        where: Callable[[], str] | None = None,
        level: int = logging.WARNING,
        error: BaseException | None = None,
    ) -> None:
        """Let `reason` stand against listening until `cause` is withdrawn.

        `still` is asked where nothing can change in between, so that a reason which another thread
        has just taken away does not stand for ever. `where` is asked once the port refuses.
        """
        with self.lock:
            if not still():
                return
            self._reasons[cause] = reason
            news = self._decide()
        self._tell(news, level, where, error)

    def withdraw(self, cause: object) -> None:
        """Take back what `cause` has against listening, if anything."""
        with self.lock:
            self._reasons.pop(cause, None)
            news = self._decide()
        self._tell(news)

    def broken(self, error: BaseException) -> None:
        """Refuse for good: a probe that cannot do its work must not pass."""
        reason = f"the probe itself broke: {described(error)}"
        with self.lock:
            self._reasons[_BROKEN] = reason
            self._decide()
        self._tell((reason,), logging.ERROR, error=error)  # even where it refused before

    def _decide(self) -> tuple[str, ...] | None:
        """Make the listener do what the reasons say; return them if that is news, else None."""
        self._undecided = True
        # A signal handler that strikes in the middle leaves the work to what it has struck.
        while self._undecided and not self._deciding:
            self._undecided, self._deciding = False, True
            try:
                self._obey()
            finally:
                self._deciding = False
        told, self._told = self._told, self.listening
        return None if told is self._told else self.reasons

    def _obey(self) -> None:
        while self._listener.listening == bool(self._reasons):
            if self._reasons:
                self._listener.refuse()
                self.refusals += 1
            else:
                try:
                    self._listener.listen()
                except OSError as error:
                    self._listener.listening = False
                    self._reasons[_BROKEN] = f"the port cannot listen again: {error}"
            self.changed()

    def _tell(
        self,
        reasons: tuple[str, ...] | None,
        level: int = logging.WARNING,
        where: Callable[[], str] | None = None,
        error: BaseException | None = None,
    ) -> None:
        # Outside the lock: whoever writes the log may be slow, or may ask the probe something.
        if reasons is None:
            return
        port = self._listener.port
        with suppress(Exception):  # a log that cannot be written is no reason to end a worker
            if reasons:
                place = "" if where is None else f"\n{where().rstrip()}"
                message = "port %d refuses checks: %s%s"
                logger.log(level, message, port, "; ".join(reasons), place, exc_info=error)
            else:
                logger.info("port %d answers checks", port)

    def _forget_in_child(self) -> None:
        self.lock = Condition()  # another thread of the parent may have held it
        self._reasons[_FORKED] = "the port belongs to the parent process"
        self._listener.close()


_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


def _forget_in_child() -> None:
    # A child's copy of the socket would go on answering after its parent was killed. It must not be
    # shut down here: that would make the parent refuse.
    for gate in _gates:
        gate._forget_in_child()


# Windows has no fork, and so no such hook.
getattr(os, "register_at_fork", dict)(after_in_child=_forget_in_child)

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable
from functools import partial
from threading import RLock

from ._in_order import InOrder, News
from ._listener import Listener
from ._locked import locked
from ._termination_log import TerminationMessage
from ._where import raised_at

_logger = logging.getLogger("tcp_probe")

_BROKEN = "broken"
_FORKED = "forked"
NOTHING = object()

# A reason is read by people, in a line of the log and in `kubectl describe`.
_LONGEST = 500


def _described(thing: object) -> str:
    """Return `repr(thing)` for a reason, also where that is the worker's own code and raises."""
    try:
        return repr(thing)
    except Exception as error:  # noqa: BLE001 (a reason is told, whatever it is)
        return f"{type(thing).__name__}, whose repr raised {type(error).__name__}"


def _shortened(reason: str) -> str:
    more = len(reason) - _LONGEST
    return reason if more <= 0 else f"{reason[:_LONGEST]}... ({more} more characters)"


class Gate:
    """Decides whether the port listens: exactly while there is no reason against it.

    Every method may be called from any thread, and from a signal handler. It may also be struck by
    one that raises: what was begun is then brought to its end, before the exception passes.
    """

    def __init__(self, listener: Listener, termination_log: str | None = None) -> None:
        self.refusals = 0
        self.changed: Callable[[], object] = lambda: None
        self.forked = False
        # Reentrant, because a signal handler may come while its own thread is inside. And not a
        # Condition, whose `with` is Python code, so that a handler that raises could leave it held.
        self.lock = RLock()
        self._listener = listener
        self._reasons: dict[object, str] = {}
        self._told: bool | None = None
        self._obeying = False
        self._log = InOrder(self.lock, self._write, elsewhere=True)
        self._files = InOrder(self.lock, self._write_last_words, elsewhere=False)
        self.last_words = TerminationMessage(termination_log, listener.port, self._stood_still)
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
        if self.listening:
            self.withdraw(None)

    def refuse(  # noqa: PLR0913 (each says another thing about the same refusal)
        self,
        cause: object,
        reason: str,
        *,
        about: object = NOTHING,
        still: Callable[[], bool] = lambda: True,
        where: Callable[[], str] | None = None,
        level: int = logging.WARNING,
        error: BaseException | None = None,
    ) -> None:
        """Let `reason` stand against listening until `cause` is withdrawn.

        `still` is asked once the reason stands, so that of two threads of which one refuses and the
        other takes that back, whichever comes second sees what the first has done. `about` is shown
        behind the reason, and `where` is asked, once the port refuses: both may be slow, or the
        worker's own code.
        """
        news = News(level, error, is_known=False)

        def stands() -> bool:
            self._reasons[cause] = _shortened(reason)
            if not still():
                del self._reasons[cause]
                return False
            self._obey()
            if self._told is not False or level >= logging.ERROR:
                self._announce(news)
            elif isinstance(about, BaseException):
                # It refused before, for a reason that may well be of less interest.
                news.reasons = self.reasons
                self._files.put(news)
            return True

        try:
            if not locked(self.lock, stands):
                return
            if isinstance(about, BaseException):
                news.raised_at = raised_at(about)
            if news.reasons and where is not None:
                news.place = f"\n{where().rstrip()}"
            if about is not NOTHING:
                brief, full = self._reasons.get(cause), _shortened(f"{reason} {_described(about)}")
                news.reasons = tuple(full if each is brief else each for each in news.reasons)
                locked(self.lock, partial(self._say_more, cause, full))
        finally:
            news.is_known = True
            self._decide(news)
        self._tell()

    def withdraw(self, cause: object) -> None:
        """Take back what `cause` has against listening, if anything."""

        def falls() -> None:
            self._reasons.pop(cause, None)
            # What else is held before anything was told is still nothing to tell.
            if self._told is not None or not self._reasons:
                self._obey_and_announce()

        try:
            locked(self.lock, falls)
        except BaseException:
            self._decide()
            raise
        self._tell()

    def broken(self, error: BaseException) -> None:
        """Refuse for good: a probe that cannot do its work must not pass."""
        reason = "the probe itself broke:"
        self.refuse(_BROKEN, reason, about=error, level=logging.ERROR, error=error)

    def remark(self, level: int, remark: str) -> None:
        """Write a line in the log, after those that were to be written before."""
        news = News(level)
        news.remark = remark
        locked(self.lock, partial(self._log.put, news))
        self._tell()

    def _decide(self, refusal: News | None = None) -> None:
        """Make the listener do what the reasons say, and announce it if that is news."""
        locked(self.lock, partial(self._obey_and_announce, refusal))

    def _obey_and_announce(self, refusal: News | None = None) -> None:
        self._obey()
        if self._told is not self.listening:
            refusal = refusal or News(logging.WARNING)
            self._announce(refusal if self._reasons else News(logging.INFO))

    def _say_more(self, cause: object, reason: str) -> None:
        if cause in self._reasons:
            self._reasons[cause] = reason

    def _obey(self) -> None:
        # A signal handler that strikes in the middle leaves the work to what it has struck.
        if self._obeying:
            return
        try:
            self._obeying = True
            while self._listener.listening is not (not self._reasons):
                if self._reasons:
                    self._listener.refuse()
                    self.refusals += 1
                else:
                    self._listen()
                self.changed()
        finally:
            self._obeying = False

    def _listen(self) -> None:
        try:
            self._listener.listen()
        except OSError as error:
            if error.errno is None:
                raise  # a signal handler's, such as a TimeoutError
            self._listener.listening = False
            self._reasons[_BROKEN] = f"the port cannot listen again: {error}"
            self._announce(News(logging.ERROR, error))

    def _announce(self, news: News) -> None:
        """Get ready what there is to tell, in the order in which it happens: with the lock held."""
        news.reasons = self.reasons
        if not self.forked:  # there the port that answers is the parent's
            self._log.put(news)
            self._files.put(news)
        self._told = not news.reasons

    def _tell(self) -> None:
        """Tell what was announced. Outside the lock: who is told may be slow, or ask the probe."""
        self._files.run()
        self._log.run()

    def _write_last_words(self, news: News) -> None:
        if not news.reasons:
            self.last_words.listens()
        elif news.level < logging.WARNING:
            self.last_words.ends()
        else:
            frames = news.raised_at or news.place.lstrip()
            self.last_words.refuses("; ".join(news.reasons), frames)

    def _stood_still(self, seconds: float, stacks: str) -> None:
        self.remark(
            logging.WARNING,
            f"stood still: no Python code ran in this process for {seconds:g} s or longer, as when"
            " a call keeps the GIL, or the process is stopped; meanwhile its threads stood here:\n"
            + stacks.rstrip(),
        )

    def _write(self, news: News) -> None:
        what = "refuses checks: " + "; ".join(news.reasons) if news.reasons else "answers checks"
        _logger.log(
            news.level,
            "port %d %s%s",
            self._listener.port,
            news.remark or what,
            news.place,
            exc_info=news.error,
        )

    def finish(self) -> None:
        """Give the last words a moment to be written."""
        self._files.finish()
        self.last_words.close()
        self._log.finish()

    def _forget_in_child(self) -> None:
        # Another thread of the parent may have held the lock, or have been in the middle.
        self.lock = RLock()
        self._log = InOrder(self.lock, self._write, elsewhere=True)
        self._files = InOrder(self.lock, self._write_last_words, elsewhere=False)
        self._obeying = False
        self.forked = True
        self._reasons[_FORKED] = "the port belongs to the parent process"
        self._listener.leave_to_parent()


_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


def _forget_in_child() -> None:
    # A child's copy of the socket would go on answering after its parent was killed. It must not be
    # shut down here: that would make the parent refuse.
    for gate in _gates:
        gate._forget_in_child()


# Windows has no fork, and so no such hook.
getattr(os, "register_at_fork", dict)(after_in_child=_forget_in_child)

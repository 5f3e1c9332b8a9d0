from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import RLock
from time import monotonic

from ._defaults import ARM_AGAIN, PING_PAUSE
from ._locked import locked

try:
    import faulthandler
except ImportError:  # pragma: no cover (in a sub-interpreter, whose lines coverage does not see)
    faulthandler = None  # type: ignore[assignment]

# Names another file than the argument does, for whoever runs the worker outside Kubernetes.
VARIABLE = "TCP_PROBE_TERMINATION_LOG"

# kubelet keeps the last so many bytes of the file. Where a pod has more than three containers it
# then keeps only the first part of those: so the reasons come first.
_MOST = 4096

# Frames are shortened from the outside, and so no line may take the place of all the others.
_LONGEST_LINE = 300

_LEFT_OUT = b"  ...\n"

# How long (s) after the port listened again the end of the worker may still be due to why it had
# refused: who is told to end while a watchdog has run out leaves that first, and Kubernetes by
# default gives a container so long to end.
_RECENT = 30.0

# The interpreter writes the stacks so many times stall_timeout after it was armed last. With
# ARM_AGAIN that is when no Python has run for 1 to 3.4 times stall_timeout.
_DUMP = 3.4

# Held by whoever uses a file, and across a fork. Reentrant, because a signal handler may come.
_lock = RLock()

# For how many seconds at least, and the stacks.
_StoodStill = tuple[float, str]


class TerminationMessage:
    """What one port has to say in the file that Kubernetes shows once a container has ended.

    Where there is no such file nothing happens. Every method may be called from any thread, and
    whatever the file raises is survived.
    """

    def __init__(
        self,
        path: str | None,
        port: int,
        tell: Callable[[float, str], object],
    ) -> None:
        """Look for the file; None: for none.

        `tell` gets for how many seconds, at least, the process stood still, and its stacks.
        """
        self._port = port
        self._tell = tell
        self._begin = f"port {port} refuses checks: "
        self._said = ("", "")
        self._healed_at = float("-inf")
        self._armed_at = float("-inf")
        self._file: _File | None = None
        if path is None:
            return
        with suppress(Exception):
            locked(_lock, partial(self._find, os.environ.get(VARIABLE) or path))

    def _find(self, path: str) -> None:
        self._file = _File.of(path)
        self._file.enter(self._port, self._begin)

    @property
    def has_file(self) -> bool:
        """Whether there is anywhere to say it."""
        return self._file is not None

    def refuses(self, reasons: str, frames: str) -> None:
        """Say why the port refuses, and where the worker stands: a heading, the innermost last."""
        self._said = (self._begin + reasons, frames)
        self._healed_at = float("inf")
        self._use(_File.say, self._port, *self._said)

    def listens(self) -> None:
        """Have nothing to say any more."""
        self._healed_at = min(self._healed_at, monotonic())
        self._use(_File.say, self._port, "", "")

    def ends(self) -> None:
        """Say again what was said until shortly before."""
        ago = monotonic() - self._healed_at
        if 0 <= ago < _RECENT:
            text, frames = self._said
            text += f"; the port answered again {ago:.1f} s before the worker ended"
            self._use(_File.say, self._port, text, frames)

    def arm(self, stall_timeout: float) -> float:
        """Have the interpreter write all stacks to the file, unless called again in time.

        Returns until when, by `time.monotonic`, the next call can wait.
        """
        file, now = self._file, monotonic()
        if file is None or faulthandler is None:
            return float("inf")
        if not file.is_armed or now - self._armed_at > ARM_AGAIN * stall_timeout:
            self._armed_at = now
            self._use(_File.arm, self._port, _DUMP * stall_timeout)
        return self._armed_at + 4 * PING_PAUSE * stall_timeout  # as the fourth ping would come

    def disarm(self) -> None:
        """Have nothing written for this port any more."""
        self._use(_File.disarm, self._port)

    def close(self) -> None:
        """Say no more, and let what was said stand."""
        self._use(self._leave)

    def _leave(self, file: _File) -> _StoodStill | None:
        stood_still = file.leave(self._port)
        self._file = None
        return stood_still

    def _use(self, act: Callable[..., _StoodStill | None], *arguments: object) -> None:
        def use() -> _StoodStill | None:
            # Asked with the lock held: the port may end meanwhile, in another thread.
            return None if self._file is None else act(self._file, *arguments)

        stood_still = None
        try:
            stood_still = locked(_lock, use)
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is None:
                raise  # a signal handler's, such as a TimeoutError: it is meant for the worker
        if stood_still is not None:
            self._tell(*stood_still)


class _File:
    """The file, which all ports of the process share.

    What is done with it returns what the interpreter has written there meanwhile, if it has.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._ports: list[int] = []
        self._texts: dict[int, tuple[str, str]] = {}
        self._ours = b""
        self._timeouts: dict[int, float] = {}
        self._timeout = 0.0
        self.is_armed = False
        # Appending, so that nothing is overwritten that somebody else may have written meanwhile.
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND)

    @staticmethod
    def of(path: str) -> _File:
        if path not in _files:
            if not os.path.isfile(path):  # noqa: PTH113 (a path of any kind; a FIFO would block)
                raise FileNotFoundError(path)
            _files[path] = _File(path)
        return _files[path]

    def enter(self, port: int, begin: str) -> None:
        """Let `port` write, also over what an earlier worker on it has left."""
        self._ports.append(port)
        self._texts.pop(port, None)
        found = self._read()
        if found.startswith((begin.encode(), b"Timeout (")):
            self._ours = found

    def leave(self, port: int) -> _StoodStill | None:
        stood_still = self.disarm(port)
        if port in self._ports:
            self._ports.remove(port)
        if not self._ports:
            _files.pop(self._path, None)  # not there in a forked child
            # Whoever was struck by a signal handler that does this finds no other file there.
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
        return stood_still

    def say(self, port: int, text: str, frames: str) -> _StoodStill | None:
        """Write what this and the other ports have to say, over nothing that is not ours."""
        stood_still = self._disarm()
        self._texts.pop(port, None)
        if text:
            self._texts[port] = (text, frames)
        share = _MOST // max(1, len(self._texts))
        said = b"".join(_fitted(*each, share) for each in self._texts.values())
        found = self._read()
        if found in {b"", self._ours} and found != said:
            os.ftruncate(self._descriptor, 0)
            self._ours = said
            self._ours = said[: os.write(self._descriptor, said)]
        self._arm()
        return stood_still

    def arm(self, port: int, timeout: float) -> _StoodStill | None:
        """Have the interpreter write all stacks in `timeout` seconds, sooner for another port."""
        self._timeouts[port] = timeout
        # In place of the timer that runs: between two nothing would see a call that takes the GIL
        # just then, as this thread lets it go to read the file.
        self._arm(port)
        if self._read() in {b"", self._ours}:
            return None
        stood_still = self._disarm()
        self._arm(port)
        return stood_still

    def disarm(self, port: int) -> _StoodStill | None:
        """Have nothing written for `port` any more."""
        self._timeouts.pop(port, None)
        stood_still = self._disarm()
        self._arm()
        return stood_still

    def _arm(self, asks: int | None = None) -> None:
        # A port that refuses is armed if it asks, at its next ping. There is none while its loop
        # stands still: then why it does is told, and to read stacks while Python runs is not safe.
        ports = self._timeouts.keys() - (self._texts.keys() - {asks})
        timeout = min((self._timeouts[each] for each in ports), default=float("inf"))
        if timeout < float("inf") and self._read() in {b"", self._ours}:
            faulthandler.dump_traceback_later(timeout, file=self._descriptor)
            self._timeout = timeout
            self.is_armed = True

    def _disarm(self) -> _StoodStill | None:
        """Stop the timer. If it had run out, take back what was written, and return it."""
        if not self.is_armed:
            return None
        self.is_armed = False
        faulthandler.cancel_dump_traceback_later()  # waits for what is just being written
        found = self._read()
        begins = len(self._ours) if found.startswith(self._ours) else 0
        if not found.startswith(b"Timeout (", begins):
            return None
        os.ftruncate(self._descriptor, begins)
        # It may have been armed long before.
        return self._timeout / _DUMP, found[begins:].decode(errors="replace")

    def _read(self) -> bytes:
        return os.pread(self._descriptor, 2**16, 0)

    def pause_in_fork(self) -> None:
        if self.is_armed:
            faulthandler.cancel_dump_traceback_later()

    def go_on_after_fork(self) -> None:
        if self.is_armed:
            faulthandler.dump_traceback_later(self._timeout, file=self._descriptor)

    def forget_in_child(self) -> None:
        self.is_armed = False
        self._timeouts.clear()
        os.close(self._descriptor)
        self._descriptor = -1


def _fitted(text: str, frames: str, most: int) -> bytes:
    """Return the text and, under their heading, as many of the innermost frames as fit."""
    heading, *lines = [_line(line, _LONGEST_LINE) for line in frames.splitlines()] or [b""]
    above = _line(text, most // 2) + heading
    room = most - len(above)
    if sum(map(len, lines)) > room:
        above += _LEFT_OUT
        room -= len(_LEFT_OUT)
    shown = len(lines)
    while shown and len(lines[shown - 1]) <= room:
        shown -= 1
        room -= len(lines[shown])
    return b"".join((above, *lines[shown:]))


def _line(text: str, most: int) -> bytes:
    return text.encode(errors="replace")[: most - 1].decode(errors="ignore").encode() + b"\n"


_files: dict[str, _File] = {}


def _before_fork() -> None:
    for file in _files.values():
        file.pause_in_fork()


def _after_fork_in_parent() -> None:
    for file in _files.values():
        file.go_on_after_fork()


def _after_fork_in_child() -> None:
    for file in _files.values():
        file.forget_in_child()
    _files.clear()


# Windows has no fork. Elsewhere the timer is a thread: a child does not have it, and yet would wait
# for it when it ends.
getattr(os, "register_at_fork", dict)(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
# Around them, since it is registered after them. Not in them: a signal handler that raises there
# would leave the lock held, and so these are not written in Python.
getattr(os, "register_at_fork", dict)(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)

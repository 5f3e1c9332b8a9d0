from __future__ import annotations

from threading import Thread
from time import monotonic
from typing import Protocol

from ._defaults import LATENESS
from ._gate import Gate


class Timer(Protocol):
    """What `Timers` looks after."""

    _timeout: float

    def _due_at(self) -> float:
        """Return when, by `time.monotonic`, there is something to do; infinity for never."""

    def _due(self) -> None:
        """Do it, in the thread of `Timers`."""


class Timers:
    """Looks after the timers of one port, in a thread: the event loop may be what stands still.

    The thread starts with the first timer, since a process without threads can fork in peace.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._timers: set[Timer] = set()
        self._thread: Thread | None = None
        self._wakes_at = float("inf")
        self._closed = False

    def start(self, timer: Timer) -> None:
        """Look after `timer` from now on."""
        with self._gate.lock:
            if self._closed:
                return
            self._timers.add(timer)
            self.look_at(timer)
            if self._thread is not None:
                return
            self._thread = Thread(target=self._run, name="tcp_probe", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the process may not have one thread more
            self._gate.broken(error)

    def stop(self, timer: Timer) -> None:
        """Look after `timer` no more."""
        with self._gate.lock:
            self._timers.discard(timer)

    def look_at(self, timer: Timer) -> None:
        """Note that `timer` may be due earlier than it was."""
        with self._gate.lock:
            if timer._due_at() < self._wakes_at:
                self._gate.lock.notify_all()

    def close(self) -> None:
        """Look after no timer any more, and end the thread."""
        with self._gate.lock:
            self._closed = True
            self._timers.clear()
            self._gate.lock.notify_all()

    def _run(self) -> None:
        try:
            while not self._closed:
                for timer in self._wait():
                    timer._due()
        except Exception as error:  # noqa: BLE001 (a broken probe refuses, the worker goes on)
            self._gate.broken(error)

    def _wait(self) -> list[Timer]:
        """Return the timers that are due; if there are none, sleep until one may be."""
        with self._gate.lock:
            now = monotonic()
            due = [timer for timer in self._timers if timer._due_at() <= now]
            if not due and not self._closed:
                first = min((timer._due_at() for timer in self._timers), default=float("inf"))
                pause = None
                if first < float("inf"):
                    shortest = min(timer._timeout for timer in self._timers)
                    pause = max(first - now, shortest * LATENESS)
                    first = now + pause
                self._wakes_at = first
                self._gate.lock.wait(pause)
            return due

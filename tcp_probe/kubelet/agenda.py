from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Agenda:
    """What is to be done at which time; of each name there is one thing at most."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, Callable[[float], None]]] = {}
        self.next = inf

    def at(self, time: float, name: str, handle: Callable[[float], None]) -> None:
        """Have `handle` called at that time, in place of what stands under this name."""
        self._entries[name] = (time, handle)
        self._find_next()

    def drop(self, *names: str) -> None:
        """Forget what stands under these names."""
        for name in names:
            self._entries.pop(name, None)
        self._find_next()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.next = inf

    def run(self, now: float) -> None:
        """Do what is due."""
        for name, (time, handle) in list(self._entries.items()):
            if time <= now and self._entries.get(name) == (time, handle):
                self.drop(name)
                handle(now)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def _find_next(self) -> None:
        self.next = min((time for time, _ in self._entries.values()), default=inf)

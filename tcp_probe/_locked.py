from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import TypeVar

Result = TypeVar("Result")


def locked(lock: RLock, act: Callable[[], Result]) -> Result:
    """Return `act()`, called with the lock held, also where a signal handler raises meanwhile.

    `with lock` would then leave it held for ever: from Python 3.14 on a handler may strike when the
    lock has been taken and the block has not begun. It may strike after every call; but a step of a
    `for` loop is none, and so it cannot between the taking of the lock and the note of it.
    """
    taken = False
    try:
        # It never comes to an end: None is not what acquire() returns.
        for taken in iter(lock.acquire, None):  # noqa: B007 # pragma: no branch
            break
        return act()
    finally:
        if taken:
            lock.release()

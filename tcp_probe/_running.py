"""What runs in this thread, found without loading an event loop that nobody uses."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

# What is raised where none runs, where its library is not loaded, and where another thread has
# only begun to load it.
_NONE_RUNS = (RuntimeError, KeyError, AttributeError)


def running_loop() -> Any:
    """Return trio's token, or the event loop of asyncio or uvloop, or None."""
    for library, name in (("trio.lowlevel", "current_trio_token"), ("asyncio", "get_running_loop")):
        with suppress(*_NONE_RUNS):
            return getattr(sys.modules[library], name)()
    return None


def running_coroutine() -> object:
    """Return the coroutine of the task that runs, or None in a callback or without a loop."""
    with suppress(*_NONE_RUNS):
        return sys.modules["trio.lowlevel"].current_task().coro
    with suppress(*_NONE_RUNS):
        task = sys.modules["asyncio"].current_task()
        return task and task.get_coro()
    return None


def call_soon(loop: Any) -> Any:
    """Return what calls a function in the loop, from any thread or signal handler.

    It raises `RuntimeError` where the loop has ended.
    """
    return getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread, current_thread
from threading import enumerate as enumerate_threads
from traceback import StackSummary, format_tb, walk_stack
from types import FrameType

from ._running import running_coroutine

_KINDS = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))


def here() -> Callable[[], str]:
    """Return what tells, at any later time, where the running task (or thread) stands then."""
    thread = current_thread()
    coroutine = running_coroutine()
    if coroutine is None:
        return partial(thread_stack, thread)
    return partial(_task_stack, coroutine, thread)


def thread_stack(thread: Thread) -> str:
    """Tell where a thread stands, as a traceback does."""
    frame = sys._current_frames().get(thread.ident or 0)
    # The next thread may have the same ident. And is_alive() takes a thread for ended for ever
    # where a signal handler has raised inside it.
    if thread not in enumerate_threads():
        return "the thread has ended"
    if frame is None:  # what gevent calls a thread is none of the interpreter's
        return "where the thread stands cannot be seen, as under gevent"
    stack = StackSummary.extract(walk_stack(frame))
    stack.reverse()
    return "the thread stands at (most recent call last):\n" + "".join(stack.format())


def raised_at(error: BaseException) -> str:
    """Tell where an exception was raised; of a group, where the first one in it was."""
    frames = []
    inside: object = error
    while isinstance(inside, BaseException):
        frames += format_tb(inside.__traceback__)
        grouped = getattr(inside, "exceptions", None)
        inside = grouped[0] if isinstance(grouped, tuple) and grouped else None
    return "it was raised at (most recent call last):\n" + "".join(frames)


def _task_stack(task: object, thread: Thread) -> str:
    if getattr(task, "cr_running", False):
        return thread_stack(thread)
    chain = StackSummary.extract(_await_chain(task)).format()
    if not chain:
        return "the task has ended"
    return "the task waits at (most recent await last):\n" + "".join(chain)


def _await_chain(awaited: object) -> Iterator[tuple[FrameType, int]]:
    seen: set[int] = set()
    while awaited is not None and id(awaited) not in seen:  # two tasks may wait for each other
        seen.add(id(awaited))
        for frame_of, inner_of in _KINDS:
            if hasattr(type(awaited), frame_of):
                frame = getattr(awaited, frame_of)
                if frame is not None:
                    yield frame, frame.f_lineno
                awaited = getattr(awaited, inner_of)
                break
        else:
            awaited = _wrapped(awaited)


def _wrapped(awaitable: object) -> object:
    # The awaitable of an async generator's next item, of a task, or of an object with __await__
    # has no attribute that names what it waits for; the garbage collector knows it.
    for inside in gc.get_referents(awaitable):
        # Of the type, since an attribute of the object may be code of the worker's.
        if hasattr(type(inside), "get_coro"):
            return inside.get_coro()
        if any(hasattr(type(inside), frame_of) for frame_of, _ in _KINDS):
            return inside
    return None

"""Ways for a worker to break, each as it happens in real ones, for demonstrations and tests."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

log = logging.getLogger("faults")

KINDS = ("block", "stuck", "finish")


def at_second_job(
    kind: str, marker: Path, end_worker: Callable[[], None]
) -> Callable[[str], Awaitable[None]]:
    """Return what to await with a job's name before its turns: at the second one it breaks.

    The marker is a file that is made just before, and that keeps the next start whole.
    """
    first_job: str | None = None

    async def break_at_second(job: str) -> None:
        nonlocal first_job
        first_job = first_job or job
        if job == first_job or await anyio.Path(marker).exists():
            return
        await anyio.Path(marker).touch()
        log.warning("breaking the worker: %s", kind)
        if kind == "block":
            block_the_loop()
        elif kind == "stuck":
            await wait_for_a_lost_reply()
        else:
            forget_a_thread()
            end_worker()
            await anyio.sleep_forever()

    return break_at_second


def block_the_loop() -> None:
    """Make a synchronous call that never returns."""
    threading.Event().wait()


async def wait_for_a_lost_reply() -> None:
    """Await something that never comes, with no timeout."""
    await anyio.Event().wait()


def forget_a_thread() -> None:
    """Start a thread that keeps the process alive after the worker has ended."""
    threading.Thread(target=threading.Event().wait, name="forgotten").start()

"""One candidate around a worker, in a process of its own; what it prints first is what to check.

    python -m benchmarks.worker CANDIDATE BACKLOG [MODULE[:FUNCTION] [ARGUMENT ...]]

The worker does what the function of `benchmarks.MODULE` does, which is `work`, unless it is named,
and prints what that returns as JSON; after the module's `prepare`, if there is one. Without a
module it waits for ever.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import anyio

from benchmarks.candidates import CANDIDATES, Watch


async def wait(_: Watch) -> None:
    """Have nothing to do."""
    # Not sleep_forever(): on asyncio that is a timer, and makes every turn cost more.
    await anyio.Event().wait()


def main() -> None:
    """Work."""
    candidate, backlog, *rest = sys.argv[1:]
    does: Callable[..., Awaitable[Any]] = wait
    if rest:
        name, _, function = rest[0].partition(":")
        module = import_module(f"benchmarks.{name}")
        if hasattr(module, "prepare"):
            module.prepare(*rest[1:])
        does = getattr(module, function or "work")

    async def work(watch: Watch) -> None:
        print(json.dumps(await does(watch, *rest[1:])), flush=True)

    CANDIDATES[candidate].run(work, int(backlog))


if __name__ == "__main__":
    main()

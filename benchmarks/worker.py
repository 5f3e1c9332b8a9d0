"""One candidate around a worker, in a process of its own; what it prints first is what to check.

    python -m benchmarks.worker CANDIDATE BACKLOG [MODULE [ARGUMENT ...]]

The worker does what `work` of `benchmarks.MODULE` does, after its `prepare`, if there is one;
without a module it waits for ever.
"""

from __future__ import annotations

import sys
from importlib import import_module

import anyio

from benchmarks.candidates import CANDIDATES, Watch


async def wait(_: Watch) -> None:
    """Have nothing to do."""
    # Not sleep_forever(): on asyncio that is a timer, and makes every turn cost more.
    await anyio.Event().wait()


def main() -> None:
    """Work."""
    candidate, backlog, *rest = sys.argv[1:]
    does = wait
    if rest:
        module = import_module(f"benchmarks.{rest[0]}")
        if hasattr(module, "prepare"):
            module.prepare(*rest[1:])
        does = module.work

    async def work(watch: Watch) -> None:
        await does(watch, *rest[1:])

    CANDIDATES[candidate].run(work, int(backlog))


if __name__ == "__main__":
    main()

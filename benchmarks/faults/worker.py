"""One worker: prints what to check, does jobs, and at SIGUSR1 the condition happens to it.

python -m benchmarks.faults.worker CANDIDATE CONDITION
"""

from __future__ import annotations

import signal
import sys
from importlib import import_module

import anyio

from benchmarks.faults.candidates import CANDIDATES, Watch
from benchmarks.faults.conditions import CONDITIONS, JOB


def main() -> None:
    """Work."""
    candidate, name = sys.argv[1:]
    condition = CONDITIONS[name]
    if condition.needs:
        import_module(condition.needs)
    happens = False

    def on_signal(*_: object) -> None:
        nonlocal happens
        happens = True

    signal.signal(signal.SIGUSR1, on_signal)

    async def work(watch: Watch) -> None:
        while not happens:
            with watch():
                await anyio.sleep(JOB)
        await condition.happen(watch)

    def tell(what: str) -> None:
        print(what, flush=True)

    CANDIDATES[candidate](work, tell)


if __name__ == "__main__":
    main()

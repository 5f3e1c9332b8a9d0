"""One candidate in a process of its own: prints its port, then serves until it is killed.

python -m benchmarks.server "tcp_probe on asyncio" --backlog 512
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import anyio

from benchmarks.candidates import CANDIDATES, Candidate
from benchmarks.worker import Progress, work


async def _serve(candidate: Candidate, backlog: int, progress: Path | None) -> None:
    async with candidate.serve(0, backlog) as port:
        print(port, flush=True)
        if progress is None:
            # Not sleep_forever(): on asyncio that is a timer, and makes every turn cost more.
            await anyio.Event().wait()
        else:
            await work(Progress(progress))


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("candidate", choices=CANDIDATES)
    parser.add_argument("--backlog", type=int, default=512)
    parser.add_argument("--progress", type=Path, help="work, and count the work in this file")
    arguments = parser.parse_args()
    candidate = CANDIDATES[arguments.candidate]
    candidate.run(partial(_serve, candidate, arguments.backlog, arguments.progress))


if __name__ == "__main__":
    main()

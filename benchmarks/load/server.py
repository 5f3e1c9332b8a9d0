"""One candidate beside a worker that never rests, in a process of its own.

python -m benchmarks.load.server CANDIDATE PROGRESS_FILE

Prints its port, and for each line on standard input the percentiles of the loop's delay since the
last one, in seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import anyio

from benchmarks.candidates import LISTENERS, PEERS, Candidate
from benchmarks.http_thread import start_http_thread
from benchmarks.worker import Progress, work
from tcp_probe._defaults import BACKLOG

_PAUSE = 0.005  # s between two looks at the loop's delay


@asynccontextmanager
async def thread_endpoint(port: int, _backlog: int) -> AsyncIterator[int]:
    """Answer with the standard library's HTTP server in a thread, whose backlog is 5."""
    server = start_http_thread("0.0.0.0", port)  # noqa: S104 (as the other candidates)
    yield server.server_port
    server.server_close()


THREAD = Candidate(
    "HTTP server in a thread", "asyncio", "http", "import http.server", thread_endpoint
)
FLOODED = {each.name: each for each in (*LISTENERS, *PEERS, THREAD)}
# What each listens with where its user says nothing.
BACKLOGS = {each.name: BACKLOG for each in LISTENERS} | {
    "asyncio.start_server": 100,
    "anyio TCP listener": 65536,
    "aiohttp": 128,
    "FastAPI with uvicorn": 2048,
    THREAD.name: 5,
}


class Delays:
    """How much later than asked for the event loop has woken a task."""

    def __init__(self) -> None:
        self._seen: list[float] = []

    async def watch(self) -> NoReturn:
        """Look for ever."""
        while True:
            began = time.perf_counter()
            await anyio.sleep(_PAUSE)
            self._seen.append(time.perf_counter() - began - _PAUSE)

    def take(self) -> dict[str, float]:
        """Return the percentiles since the last call."""
        seen, self._seen = sorted(self._seen), []
        if not seen:
            return {}
        return {f"p{each}": seen[min(len(seen) - 1, len(seen) * each // 100)] for each in (50, 99)}


async def serve(candidate: Candidate, progress: Progress) -> None:
    """Serve until killed."""
    delays = Delays()
    async with (
        candidate.serve(0, BACKLOGS[candidate.name]) as port,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(work, progress)
        tasks.start_soon(delays.watch)
        print(port, flush=True)
        while True:
            await anyio.wait_readable(sys.stdin)
            sys.stdin.readline()
            print(json.dumps(delays.take()), flush=True)


def main() -> None:
    """Serve."""
    name, file = sys.argv[1:]
    candidate = FLOODED[name]
    candidate.run(partial(serve, candidate, Progress(Path(file))))


if __name__ == "__main__":
    main()

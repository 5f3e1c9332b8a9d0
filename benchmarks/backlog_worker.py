from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from time import perf_counter

import anyio

import tcp_probe

CYCLE = 0.1  # s
BUSY = 0.05  # s of each cycle


async def work(backlogs: range) -> None:
    """Be busy for half of the time, with one port for each backlog; print the ports."""
    async with AsyncExitStack() as stack:
        for backlog in backlogs:
            probe = await stack.enter_async_context(tcp_probe.serve(0, backlog=backlog))
            print(probe.port, end=" ")
        print(flush=True)
        while True:
            ends = perf_counter() + BUSY
            while perf_counter() < ends:
                pass
            await anyio.sleep(CYCLE - BUSY)


if __name__ == "__main__":
    name, count = sys.argv[1:]
    anyio.run(
        work,
        range(int(count)),
        backend="trio" if name == "trio" else "asyncio",
        backend_options={"use_uvloop": True} if name == "uvloop" else {},
    )

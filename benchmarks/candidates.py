"""What answers a worker's checks: this listener, and each thing that people use in its place.

Every candidate runs in the worker's own event loop, as an async context manager around the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

# What the usual snippets listen on; this listener and the floor answer IPv6 as well.
_ANY = "0.0.0.0"  # noqa: S104 (every server here lives for minutes, for a benchmark)


@dataclass(frozen=True)
class Candidate:
    """A way to answer checks.

    `serve(port, backlog)` listens while it is entered, and yields the bound port (0: the kernel
    picks one); `check` is tcp or http; `imports` is what a worker loads for it on top of anyio.
    """

    name: str
    loop: str
    check: str
    imports: str
    serve: Callable[[int, int], AbstractAsyncContextManager[int]]

    def run(self, main: Callable[[], Awaitable[None]]) -> None:
        """Run a worker in this candidate's event loop."""
        backend = "trio" if self.loop == "trio" else "asyncio"
        options: dict[str, Any] = {"use_uvloop": True} if self.loop == "uvloop" else {}
        anyio.run(main, backend=backend, backend_options=options)


@asynccontextmanager
async def nothing(_port: int, _backlog: int) -> AsyncIterator[int]:
    """Serve nothing: the worker alone."""
    yield 0


@asynccontextmanager
async def this_listener(port: int, backlog: int) -> AsyncIterator[int]:
    """Listen with `tcp_probe.serve`."""
    import tcp_probe

    async with tcp_probe.serve(port, backlog=backlog) as probe:
        yield probe.port


@asynccontextmanager
async def this_listener_unwatched(port: int, backlog: int) -> AsyncIterator[int]:
    """Listen with `tcp_probe.serve`, without the stall watch."""
    import tcp_probe

    async with tcp_probe.serve(port, backlog=backlog, stall_timeout=None) as probe:
        yield probe.port


@asynccontextmanager
async def start_server(port: int, backlog: int) -> AsyncIterator[int]:
    """Accept and close with `asyncio.start_server`, the usual snippet."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(answer, _ANY, port, backlog=backlog) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def anyio_listener(port: int, backlog: int) -> AsyncIterator[int]:
    """Accept and close with `anyio.create_tcp_listener().serve`."""

    async def answer(stream: anyio.abc.SocketStream) -> None:
        await stream.aclose()

    listener = await anyio.create_tcp_listener(local_host=_ANY, local_port=port, backlog=backlog)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 (no Django)
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def aiohttp_endpoint(port: int, backlog: int) -> AsyncIterator[int]:
    """Answer `/healthz` with aiohttp."""
    from aiohttp import web

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, _ANY, port, backlog=backlog).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def fastapi_endpoint(port: int, backlog: int) -> AsyncIterator[int]:
    """Answer `/healthz` with FastAPI, served by uvicorn."""
    import uvicorn
    from fastapi import FastAPI

    application = FastAPI()

    @application.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    config = uvicorn.Config(
        application, _ANY, port, backlog=backlog, access_log=False, log_level="warning"
    )
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await anyio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True


LISTENERS = tuple(
    Candidate(
        f"tcp_probe on {loop}", loop, "tcp", "import tcp_probe; tcp_probe.serve", this_listener
    )
    for loop in ("asyncio", "uvloop", "trio")
)
PEERS = (
    Candidate("asyncio.start_server", "asyncio", "tcp", "import asyncio", start_server),
    Candidate("anyio TCP listener", "asyncio", "tcp", "import anyio", anyio_listener),
    Candidate("aiohttp", "asyncio", "http", "import aiohttp.web", aiohttp_endpoint),
    # uvicorn takes uvloop wherever it is installed.
    Candidate(
        "FastAPI with uvicorn", "uvloop", "http", "import fastapi, uvicorn", fastapi_endpoint
    ),
)
UNWATCHED = tuple(
    Candidate(f"{each.name}, no stall watch", each.loop, "tcp", "", this_listener_unwatched)
    for each in LISTENERS
)
WORKERS = tuple(
    Candidate(f"nothing on {loop}", loop, "", "", nothing) for loop in ("asyncio", "uvloop", "trio")
)
CANDIDATES = {each.name: each for each in (*LISTENERS, *PEERS, *UNWATCHED, *WORKERS)}

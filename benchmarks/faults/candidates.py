"""The ways to answer checks, each around a worker as its own documentation shows it.

Unlike in `benchmarks.candidates`, where the endpoint is all that matters, here it matters what
becomes of the endpoint when the worker ends: whether the worker is a task beside the server, or the
server a task beside the worker, is what a user copies together with the snippet.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import anyio
import anyio.abc

from benchmarks.http_thread import start_http_thread
from tcp_probe.kubelet.handlers import Exec, Handler, HttpGet, TcpSocket

_ANY = "0.0.0.0"  # noqa: S104 (every worker here lives for minutes, for a benchmark)
WATCHDOG = 10.0  # s

Watch = Callable[[], AbstractContextManager[object]]
Work = Callable[[Watch], Awaitable[None]]
# Tells what to check: "tcp PORT", "http PORT" or "exec COMMAND".
Tell = Callable[[str], None]


def tcp_probe(work: Work, tell: Tell) -> None:
    """Listen with `tcp_probe.serve` and its defaults."""
    from tcp_probe import serve

    async def main() -> None:
        async with serve(0) as probe:
            tell(f"tcp {probe.port}")
            await work(nullcontext)

    anyio.run(main)


def tcp_probe_watchdog(work: Work, tell: Tell) -> None:
    """Listen with `tcp_probe.serve`, and set a watchdog for each job."""
    from tcp_probe import serve

    async def main() -> None:
        async with serve(0) as probe:
            tell(f"tcp {probe.port}")
            await work(partial(probe.watchdog, WATCHDOG))

    anyio.run(main)


def start_server(work: Work, tell: Tell) -> None:
    """Listen with `asyncio.start_server`; gather `serve_forever` and the worker."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, _ANY, 0)
        tell(f"tcp {server.sockets[0].getsockname()[1]}")
        async with server:
            await asyncio.gather(server.serve_forever(), work(nullcontext))

    asyncio.run(main())


def anyio_listener(work: Work, tell: Tell) -> None:
    """Listen with `anyio.create_tcp_listener`; `serve` and the worker share a task group."""

    async def answer(stream: anyio.abc.SocketStream) -> None:
        await stream.aclose()

    async def main() -> None:
        listener = await anyio.create_tcp_listener(local_host=_ANY)
        tell(f"tcp {listener.extra(anyio.abc.SocketAttribute.local_port)}")  # noqa: S610 (no Django)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, answer)
            tasks.start_soon(_run, work)

    anyio.run(main)


def aiohttp(work: Work, tell: Tell) -> None:
    """Set an aiohttp `AppRunner` up before the worker, and clean it up after it."""
    from aiohttp import web

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/healthz", healthz)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, _ANY, 0).start()
        tell(f"http {runner.addresses[0][1]}")
        await work(nullcontext)
        await runner.cleanup()

    asyncio.run(main())


def fastapi(work: Work, tell: Tell) -> None:
    """Serve FastAPI with uvicorn; the worker is a task of the application's lifespan."""
    import uvicorn
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.ensure_future(work(nullcontext))
        yield
        task.cancel()

    application = FastAPI(lifespan=lifespan)

    @application.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    config = uvicorn.Config(application, _ANY, 0, access_log=False, log_level="warning")
    listening = config.bind_socket()
    tell(f"http {listening.getsockname()[1]}")
    uvicorn.Server(config).run([listening])


def thread(work: Work, tell: Tell) -> None:
    """Run the standard library's HTTP server in a daemon thread."""
    server = start_http_thread(_ANY, 0)
    tell(f"http {server.server_port}")
    asyncio.run(_run(work))


def pid_file(work: Work, tell: Tell) -> None:
    """Write a PID file, for an exec probe that looks whether its process is there."""
    file = Path(tempfile.mkdtemp(), "worker.pid")
    file.write_text(str(os.getpid()), encoding="ascii")
    tell(f'exec kill -0 "$(cat {file})"')
    asyncio.run(_run(work))


async def _run(work: Work) -> None:
    await work(nullcontext)


CANDIDATES: dict[str, Callable[[Work, Tell], None]] = {
    "tcp_probe": tcp_probe,
    f"tcp_probe, watchdog {WATCHDOG:g} s": tcp_probe_watchdog,
    "asyncio.start_server": start_server,
    "anyio TCP listener": anyio_listener,
    "aiohttp": aiohttp,
    "FastAPI with uvicorn": fastapi,
    "HTTP server in a thread": thread,
    "exec with a PID file": pid_file,
}
OURS = tuple(CANDIDATES)[:2]


def handler(told: str) -> Handler:
    """Return the probe handler for what a candidate has told."""
    kind, _, rest = told.partition(" ")
    if kind == "tcp":
        return TcpSocket(int(rest))
    if kind == "http":
        return HttpGet(int(rest), path="/healthz")
    return Exec(("sh", "-c", rest))

"""What answers a worker's checks: this listener, and each thing that people use in its place.

Each stands around the worker as its own documentation shows it: whether the worker is a task beside
the server, or the server a task beside the worker, is what a user copies together with the snippet.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import anyio

import tcp_probe
from tcp_probe._defaults import BACKLOG, PING_PAUSE, STALL_TIMEOUT

# What the usual snippets listen on; this listener and the floors answer IPv6 as well.
_ANY = "0.0.0.0"  # noqa: S104 (every server here lives for minutes, for a benchmark)
WATCHDOG = 10.0  # s
LOOPS: dict[str, dict[str, Any]] = {
    "asyncio": {"backend": "asyncio"},
    "uvloop": {"backend_options": {"use_uvloop": True}},
    "trio": {"backend": "trio"},
}

Watch = Callable[[], AbstractContextManager[object]]
Work = Callable[[Watch], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Candidate:
    """A way to answer checks.

    `serve` listens with a backlog, tells what to check and does the work: in an event loop, if it
    is a coroutine, else around one. `backlog` is what it listens with where its user says nothing,
    `imports` what a worker loads for it on top of anyio.
    """

    name: str
    serve: Callable[[Work, int], Any]
    backlog: int = 0
    loop: str = "asyncio"
    imports: str = ""

    def run(self, work: Work, backlog: int) -> None:
        """Run the worker in this candidate's event loop; a backlog of 0 is the candidate's own."""
        backlog = backlog or self.backlog
        if iscoroutinefunction(self.serve):
            anyio.run(self.serve, work, backlog, **LOOPS[self.loop])
        else:
            self.serve(work, backlog)


def tell(kind: str, what: object) -> None:
    """Tell what to check: "tcp PORT", "http PORT", "exec COMMAND", or "none 0"."""
    print(kind, what, flush=True)


async def nothing(work: Work, _: int) -> None:
    """Serve nothing: the worker alone."""
    tell("none", 0)
    await work(nullcontext)


async def bare_sleep(work: Work, _: int) -> None:
    """Wake as often as this listener's stall watch, and do nothing: the floor of an idle watch."""
    tell("none", 0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, nullcontext)
        while True:  # noqa: ASYNC110 (nothing is waited for)
            await anyio.sleep(PING_PAUSE * STALL_TIMEOUT)


async def this_listener(
    work: Work, backlog: int, *, watchdog: float | None = None, **arguments: Any
) -> None:
    """Listen with `tcp_probe.serve`; set a watchdog for each job, if one is given."""
    async with tcp_probe.serve(0, backlog=backlog, **arguments) as probe:
        tell("tcp", probe.port)
        await work(nullcontext if watchdog is None else partial(probe.watchdog, watchdog))


def this_listener_in_a_thread(work: Work, backlog: int) -> None:
    """Listen with the form of `tcp_probe.serve` for workers without an event loop."""
    with tcp_probe.serve(0, backlog=backlog) as probe:
        tell("tcp", probe.port)
        anyio.run(work, nullcontext)


async def bare_reader(work: Work, backlog: int) -> None:
    """Accept and close, and nothing else, in a callback of asyncio: its floor."""
    with socket.create_server(
        ("", 0), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True
    ) as listening:
        listening.settimeout(0)

        def accept() -> None:
            listening.accept()[0].close()

        asyncio.get_running_loop().add_reader(listening, accept)
        tell("tcp", listening.getsockname()[1])
        await work(nullcontext)


async def start_server(work: Work, backlog: int) -> None:
    """Listen with `asyncio.start_server`; gather `serve_forever` and the worker."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, _ANY, 0, backlog=backlog)
    tell("tcp", server.sockets[0].getsockname()[1])
    async with server:
        await asyncio.gather(server.serve_forever(), work(nullcontext))


async def anyio_listener(work: Work, backlog: int) -> None:
    """Listen with `anyio.create_tcp_listener`; `serve` and the worker share a task group."""

    async def answer(stream: anyio.abc.SocketStream) -> None:
        await stream.aclose()

    listener = await anyio.create_tcp_listener(local_host=_ANY, backlog=backlog)
    tell("tcp", listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610 (no Django)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        tasks.start_soon(work, nullcontext)


async def aiohttp(work: Work, backlog: int) -> None:
    """Set an aiohttp `AppRunner` up before the worker, and clean it up after it."""
    from aiohttp import web

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, _ANY, 0, backlog=backlog).start()
    tell("http", runner.addresses[0][1])
    await work(nullcontext)
    await runner.cleanup()


async def fastapi(work: Work, backlog: int) -> None:
    """Serve FastAPI with uvicorn; the worker is a task of the application's lifespan."""
    import uvicorn
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.ensure_future(work(nullcontext))
        tell("http", listening.getsockname()[1])
        yield
        task.cancel()

    application = FastAPI(lifespan=lifespan)

    @application.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    config = uvicorn.Config(
        application, _ANY, 0, backlog=backlog, access_log=False, log_level="warning"
    )
    listening = config.bind_socket()
    listening.listen(backlog)  # uvicorn does so only once the worker has begun
    await uvicorn.Server(config).serve([listening])


class _Healthz(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


async def http_thread(work: Work, _: int) -> None:
    """Run the standard library's HTTP server, whose backlog is 5, in a daemon thread."""
    server = HTTPServer((_ANY, 0), _Healthz)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell("http", server.server_port)
    await work(nullcontext)


async def pid_file(work: Work, _: int) -> None:
    """Write a PID file, for an exec probe that looks whether its process is there."""
    file = Path(tempfile.mkdtemp(), "worker.pid")
    file.write_text(str(os.getpid()), encoding="ascii")  # noqa: ASYNC240 (before the loop has work)
    tell("exec", f'kill -0 "$(cat {file})"')
    await work(nullcontext)


def _ours(name: str, serve: Callable[..., Any] = this_listener, **more: Any) -> Candidate:
    return Candidate(name, serve, BACKLOG, imports="import tcp_probe; tcp_probe.serve", **more)


ON_A_LOOP = tuple(_ours(f"tcp_probe on {loop}", loop=loop) for loop in LOOPS)
ON_ASYNCIO = ON_A_LOOP[0]
IN_A_THREAD = _ours("tcp_probe in a thread", this_listener_in_a_thread)
LISTENERS = (*ON_A_LOOP, IN_A_THREAD)
_unwatched = partial(this_listener, stall_timeout=None)
UNCHECKED = (
    *(_ours(f"{each.name}, no stall watch", _unwatched, loop=each.loop) for each in ON_A_LOOP),
    *(Candidate(f"bare sleep on {loop}", bare_sleep, loop=loop) for loop in LOOPS),
)
WATCHED = _ours(f"tcp_probe, watchdog {WATCHDOG:g} s", partial(this_listener, watchdog=WATCHDOG))
BARE = Candidate("bare add_reader", bare_reader, 5)
PEERS = (
    Candidate("asyncio.start_server", start_server, 100, imports="import asyncio"),
    Candidate("anyio TCP listener", anyio_listener, 65536, imports="import anyio"),
    Candidate("aiohttp", aiohttp, 128, imports="import aiohttp.web"),
    # uvicorn takes uvloop wherever it is installed.
    Candidate("FastAPI with uvicorn", fastapi, 2048, "uvloop", "import fastapi, uvicorn"),
)
CHECKED = (*LISTENERS, BARE, *PEERS)
THREAD = Candidate("HTTP server in a thread", http_thread, 5)
PID_FILE = Candidate("exec with a PID file", pid_file)
WORKERS = tuple(Candidate(f"nothing on {loop}", nothing, loop=loop) for loop in LOOPS)
CANDIDATES = {
    each.name: each for each in (*CHECKED, THREAD, *UNCHECKED, *WORKERS, WATCHED, PID_FILE)
}

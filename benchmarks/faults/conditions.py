"""What happens to a worker: faults that it should be killed for, and what it should survive."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import anyio

from benchmarks.candidates import Watch

_JOB = 0.05  # s
_API_TIMEOUT = 5.0  # s, the worker's own, for a call of its API
# Lets a process run for 5 ms of every 100 ms, until it is gone.
_THROTTLE = """
import os, signal, time
pid = os.getppid()
while os.getppid() == pid:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.095)
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.005)
"""

Happen = Callable[[Watch], Awaitable[None]]


@dataclass(frozen=True)
class Condition:
    """Something that happens to a worker, which it should be killed for or not.

    `cores` is how many it keeps busy, `needs` a package, which the worker imports as it starts.
    """

    name: str
    happen: Happen
    is_fault: bool
    clients: int = 1
    cores: float = 0.0
    needs: str = ""


CONDITIONS: dict[str, Condition] = {}


def _fault(name: str, *, cores: float = 0.0, needs: str = "") -> Callable[[Happen], None]:
    def add(happen: Happen) -> None:
        CONDITIONS[name] = Condition(name, happen, is_fault=True, cores=cores, needs=needs)

    return add


def _healthy(name: str, *, clients: int = 1, cores: float = 0.0) -> Callable[[Happen], None]:
    def add(happen: Happen) -> None:
        CONDITIONS[name] = Condition(name, happen, is_fault=False, clients=clients, cores=cores)

    return add


async def work(watch: Watch, name: str) -> None:
    """Do job after job until SIGUSR1, when the condition happens: the worker."""
    condition = CONDITIONS[name]
    if condition.needs:
        import_module(condition.needs)
    happens: list[int] = []
    signal.signal(signal.SIGUSR1, lambda *_: happens.append(1))
    while not happens:
        with watch():
            await anyio.sleep(_JOB)
    await condition.happen(watch)


async def _jobs(watch: Watch) -> None:
    while True:
        with watch():
            await anyio.sleep(_JOB)


def _forget_a_thread() -> None:
    """Keep the process alive, as a thread pool or a client library's thread does."""
    threading.Thread(target=threading.Event().wait).start()


def _compute(seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
    ends = clock() + seconds
    while clock() < ends:
        pass


@_fault("worker returns, the process lives")
async def _(_: Watch) -> None:
    _forget_a_thread()


@_fault("worker raises, the process lives")
async def _(_: Watch) -> None:
    _forget_a_thread()
    raise ValueError("bad job")


@_fault("loop blocked by a sleep")
async def _(watch: Watch) -> None:
    with watch():
        time.sleep(3600)  # noqa: ASYNC251 (the fault)


@_fault("loop blocked by a pure-Python spin", cores=1.0)
async def _(watch: Watch) -> None:
    with watch():
        _compute(3600)


@_fault("loop blocked by a lock")
async def _(watch: Watch) -> None:
    lock = threading.Lock()
    with watch(), lock:
        lock.acquire()


@_fault("GIL held in C")
async def _(watch: Watch) -> None:
    with watch():
        ctypes.PyDLL(None).sleep(3600)


@_fault("SIGSTOP")
async def _(watch: Watch) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    await _jobs(watch)


@_fault("an await that never returns")
async def _(watch: Watch) -> None:
    with watch():
        await anyio.Event().wait()


@_fault("CLI exits 0 without a result", needs="claude_agent_sdk")
async def _(watch: Watch) -> None:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    options = ClaudeAgentOptions(cli_path=str(Path(__file__).with_name("fake_cli.py")))
    async with ClaudeSDKClient(options) as client:
        with watch():
            await client.query("What is a TCP handshake?")
            async for _message in client.receive_messages():
                pass
    _forget_a_thread()


@_fault("file descriptors exhausted")
async def _(watch: Watch) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with suppress(OSError):
        while True:
            os.open(os.devnull, os.O_RDONLY)
    await _jobs(watch)


@_fault("killed parent with a forked child")
async def _(_: Watch) -> None:
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        signal.pause()


@_fault("process gone")
async def _(_: Watch) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@_healthy("busy 50 ms of every 100 ms, 6 clients at once", clients=6, cores=0.5)
async def _(watch: Watch) -> None:
    while True:
        with watch():
            _compute(0.05)
            await anyio.sleep(0.05)


@_healthy("a 1 s import")
async def _(watch: Watch) -> None:
    with watch():
        import_module("benchmarks.faults.slow_module")
    await _jobs(watch)


@_healthy("one synchronous call of 5 s")
async def _(watch: Watch) -> None:
    with watch():
        time.sleep(5)  # noqa: ASYNC251 (the condition)
    await _jobs(watch)


@_healthy("idle all the time")
async def _(_: Watch) -> None:
    await anyio.Event().wait()


@_healthy("API down all the time")
async def _(watch: Watch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        await _call_api(watch, bound)


@_healthy("API silent all the time")
async def _(watch: Watch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:
        await _call_api(watch, silent)


async def _call_api(watch: Watch, api: socket.socket) -> None:
    while True:
        with watch(), suppress(OSError), anyio.move_on_after(_API_TIMEOUT):
            async with await anyio.connect_tcp(*api.getsockname()) as stream:
                await stream.receive()
        await anyio.sleep(0.5)


@_healthy("5 % CPU")
async def _(watch: Watch) -> None:
    """Want 10 ms of CPU in every 100 ms, and get 5."""
    subprocess.Popen([sys.executable, "-c", _THROTTLE])  # noqa: ASYNC220 (it may well be late)
    while True:
        with watch():
            _compute(0.01, time.thread_time)
            await anyio.sleep(0.09)

"""What happens to a worker: faults that it should be killed for, and what it should survive."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import anyio

from benchmarks.candidates import Watch

JOB = 0.05  # s
API_TIMEOUT = 5.0  # s, the worker's own, for a call of its API
_FAKE_CLI = Path(__file__).with_name("fake_cli.py")


async def jobs(watch: Watch) -> None:
    """Do job after job, for ever."""
    while True:
        with watch():
            await anyio.sleep(JOB)


async def returns(_: Watch) -> None:
    """End, while the process lives on."""
    _forget_a_thread()


async def raises(_: Watch) -> None:
    """Raise, while the process lives on."""
    _forget_a_thread()
    raise ValueError("bad job")


async def sleeps(watch: Watch) -> None:
    """Block the loop in a synchronous call."""
    with watch():
        time.sleep(3600)  # noqa: ASYNC251 (the fault)


async def spins(watch: Watch) -> None:
    """Block the loop in Python code."""
    with watch():
        while True:
            pass


async def deadlocks(watch: Watch) -> None:
    """Block the loop by a lock that nobody releases."""
    lock = threading.Lock()
    with watch(), lock:
        lock.acquire()


async def holds_the_gil(watch: Watch) -> None:
    """Stay in C code without releasing the GIL."""
    with watch():
        ctypes.PyDLL(None).sleep(3600)


async def stops(watch: Watch) -> None:
    """Be stopped by SIGSTOP."""
    os.kill(os.getpid(), signal.SIGSTOP)
    await jobs(watch)


async def awaits_for_ever(watch: Watch) -> None:
    """Await what never comes, with no timeout."""
    with watch():
        await anyio.Event().wait()


async def cli_ends(watch: Watch) -> None:
    """Follow the messages of a Claude CLI that exits with 0 before its result."""
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    options = ClaudeAgentOptions(cli_path=str(_FAKE_CLI))
    async with ClaudeSDKClient(options) as client:
        with watch():
            await client.query("What is a TCP handshake?")
            async for _ in client.receive_messages():
                pass
    _forget_a_thread()


async def out_of_files(watch: Watch) -> None:
    """Leak file descriptors until there are none left."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with suppress(OSError):
        while True:
            os.open(os.devnull, os.O_RDONLY)
    await jobs(watch)


async def killed_with_a_child(_: Watch) -> None:
    """Be killed after a fork."""
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        signal.pause()


async def killed(_: Watch) -> None:
    """Be gone."""
    os.kill(os.getpid(), signal.SIGKILL)


async def busy(watch: Watch) -> None:
    """Be busy for 50 ms of every 100 ms."""
    while True:
        with watch():
            ends = time.perf_counter() + 0.05
            while time.perf_counter() < ends:
                pass
            await anyio.sleep(0.05)


async def imports(watch: Watch) -> None:
    """Import a module that computes for 1 s, then do jobs."""
    with tempfile.TemporaryDirectory() as folder:
        code = "import time\nends = time.monotonic() + 1\nwhile time.monotonic() < ends: pass"
        await anyio.Path(folder, "slow_module.py").write_text(code, encoding="ascii")
        sys.path.insert(0, folder)
        with watch():
            import_module("slow_module")
    await jobs(watch)


async def slow_call(watch: Watch) -> None:
    """Make one synchronous call that takes 5 s, then do jobs."""
    with watch():
        time.sleep(5)  # noqa: ASYNC251 (the condition)
    await jobs(watch)


async def idle(_: Watch) -> None:
    """Wait for a job that does not come."""
    await anyio.Event().wait()


async def api_down(watch: Watch) -> None:
    """Call an API that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        await _call_api(watch, bound.getsockname()[1])


async def api_silent(watch: Watch) -> None:
    """Call an API that never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:
        await _call_api(watch, silent.getsockname()[1])


async def _call_api(watch: Watch, port: int) -> None:
    while True:
        with watch(), suppress(OSError), anyio.move_on_after(API_TIMEOUT):
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.receive()
        await anyio.sleep(0.5)


async def throttled(watch: Watch) -> None:
    """Want 10 ms of CPU in every 100 ms, and get 5."""
    command = [sys.executable, "-m", "benchmarks.faults.throttle", str(os.getpid())]
    subprocess.Popen(command)  # noqa: ASYNC220 (a worker that is starved may well be late)
    while True:
        with watch():
            ends = time.thread_time() + 0.01
            while time.thread_time() < ends:
                pass
            await anyio.sleep(0.09)


def _forget_a_thread() -> None:
    """Keep the process alive, as a thread pool or a client library's thread does."""
    threading.Thread(target=threading.Event().wait).start()


@dataclass(frozen=True)
class Condition:
    """Something that happens to a worker.

    `cores` is how many it keeps busy, `needs` a package, which the worker imports as it starts.
    """

    name: str
    happen: Callable[[Watch], Awaitable[None]]
    clients: int = 1
    cores: float = 0.0
    needs: str = ""


FAULTS = (
    Condition("worker returns, the process lives", returns),
    Condition("worker raises, the process lives", raises),
    Condition("loop blocked by a sleep", sleeps),
    Condition("loop blocked by a pure-Python spin", spins, cores=1.0),
    Condition("loop blocked by a lock", deadlocks),
    Condition("GIL held in C", holds_the_gil),
    Condition("SIGSTOP", stops),
    Condition("an await that never returns", awaits_for_ever),
    Condition("CLI exits 0 without a result", cli_ends, needs="claude_agent_sdk"),
    Condition("file descriptors exhausted", out_of_files),
    Condition("killed parent with a forked child", killed_with_a_child),
    Condition("process gone", killed),
)
HEALTHY = (
    Condition("busy 50 ms of every 100 ms, 6 clients at once", busy, clients=6, cores=0.5),
    Condition("a 1 s import", imports),
    Condition("one synchronous call of 5 s", slow_call),
    Condition("idle all the time", idle),
    Condition("API down all the time", api_down),
    Condition("API silent all the time", api_silent),
    Condition("5 % CPU", throttled),
)
CONDITIONS = {each.name: each for each in (*FAULTS, *HEALTHY)}

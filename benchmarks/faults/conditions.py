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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import iscoroutinefunction
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


@dataclass(frozen=True)
class Condition:
    """Something that happens to a worker, which it should be killed for, if it is a fault.

    `happen` is called in one of the worker's jobs, which go on if it returns; a coroutine comes in
    place of the jobs, and gets what watches one. `cores` is how many it keeps busy, `needs` a
    package, which the worker imports as it starts.
    """

    name: str
    happen: Callable[..., object]
    is_fault: bool = True
    clients: int = 1
    cores: float = 0.0
    needs: str = ""


def prepare(name: str) -> None:
    """Import what the condition needs, before anything listens."""
    if CONDITIONS[name].needs:
        import_module(CONDITIONS[name].needs)


async def work(watch: Watch, name: str) -> None:
    """Do job after job; at SIGUSR1 the condition happens: the worker."""
    happens: list[int] = []
    signal.signal(signal.SIGUSR1, lambda *_: happens.append(1))
    await _do_jobs(watch, lambda: not happens)
    happen = CONDITIONS[name].happen
    if iscoroutinefunction(happen):
        await happen(watch)
    else:
        with watch():
            happen()
        await _do_jobs(watch, lambda: True)


async def _do_jobs(watch: Watch, go_on: Callable[[], bool]) -> None:
    while go_on():
        with watch():
            await anyio.sleep(_JOB)


def _compute(seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
    ends = clock() + seconds
    while clock() < ends:
        pass


def _leak_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with suppress(OSError):
        while True:
            os.open(os.devnull, os.O_RDONLY)


def _die_after_a_fork() -> None:
    if os.fork():
        signal.raise_signal(signal.SIGKILL)
    while True:
        signal.pause()


def _forget_a_thread() -> None:
    """Keep the process alive, as a thread pool or a client library's thread does."""
    threading.Thread(target=threading.Event().wait).start()


async def _returns(_: Watch) -> None:
    _forget_a_thread()


async def _raises(_: Watch) -> None:
    _forget_a_thread()
    raise ValueError("bad job")


async def _idle(_: Watch) -> None:
    await anyio.Event().wait()


async def _awaits_for_ever(watch: Watch) -> None:
    with watch():
        await anyio.Event().wait()


async def _cli_ends(watch: Watch) -> None:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    options = ClaudeAgentOptions(cli_path=str(Path(__file__).with_name("fake_cli.py")))
    async with ClaudeSDKClient(options) as client:
        with watch():
            await client.query("What is a TCP handshake?")
            async for _ in client.receive_messages():
                pass
    _forget_a_thread()


async def busy(
    watch: Watch, seconds: float = 0.05, clock: Callable[[], float] = time.perf_counter
) -> None:
    """Compute so long in every 100 ms."""
    while True:
        with watch():
            _compute(seconds, clock)
            await anyio.sleep(0.1 - seconds)


async def _throttled(watch: Watch) -> None:
    """Want 10 ms of CPU in every 100 ms, and get 5."""
    subprocess.Popen([sys.executable, "-c", _THROTTLE])  # noqa: ASYNC220 (it may well be late)
    await busy(watch, 0.01, time.thread_time)


async def _call_api(watch: Watch, *, listens: bool) -> None:
    """Call an API that refuses each connection, or takes it and says nothing."""
    with socket.socket() as api:
        api.bind(("127.0.0.1", 0))
        if listens:
            api.listen(1000)
        while True:
            with watch(), suppress(OSError), anyio.move_on_after(_API_TIMEOUT):
                async with await anyio.connect_tcp(*api.getsockname()) as stream:
                    await stream.receive()
            await anyio.sleep(0.5)


_healthy = partial(Condition, is_fault=False)
_ALL = (
    Condition("worker returns, the process lives", _returns),
    Condition("worker raises, the process lives", _raises),
    Condition("loop blocked by a sleep", partial(time.sleep, 3600)),
    Condition("loop blocked by a pure-Python spin", partial(_compute, 3600), cores=1.0),
    Condition("loop blocked by a lock", threading.Semaphore(0).acquire),
    Condition("GIL held in C", partial(ctypes.PyDLL(None).sleep, 3600)),
    Condition("SIGSTOP", partial(signal.raise_signal, signal.SIGSTOP)),
    Condition("an await that never returns", _awaits_for_ever),
    Condition("CLI exits 0 without a result", _cli_ends, needs="claude_agent_sdk"),
    Condition("file descriptors exhausted", _leak_files),
    Condition("killed parent with a forked child", _die_after_a_fork),
    Condition("process gone", partial(signal.raise_signal, signal.SIGKILL)),
    _healthy("busy 50 ms of every 100 ms, 3 clients at once", busy, clients=3, cores=0.5),
    _healthy("a 1 s import", partial(import_module, "benchmarks.faults.slow_module")),
    _healthy("one synchronous call of 5 s", partial(time.sleep, 5)),
    _healthy("idle all the time", _idle),
    _healthy("API down all the time", partial(_call_api, listens=False)),
    _healthy("API silent all the time", partial(_call_api, listens=True)),
    _healthy("5 % CPU", _throttled),
)
CONDITIONS = {each.name: each for each in _ALL}

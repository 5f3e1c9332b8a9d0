"""A worker that breaks in one way: `worker.py FAULT LOOP OPTIONS`, OPTIONS for `serve` as JSON.

Prints its port, then what the fault has to tell. A line on its standard input is what the fault
waits for, where it can heal.
"""

# ruff: noqa: T201 (printing is how it talks to the test)
from __future__ import annotations

import ctypes
import faulthandler
import json
import logging
import multiprocessing
import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import anyio
import anyio.to_thread

import tcp_probe


async def healthy(probe: tcp_probe.Probe) -> None:
    """For each line on standard input tell how many checks it has answered."""
    while True:
        await anyio.wait_readable(sys.stdin)
        sys.stdin.readline()
        print(probe.checks, flush=True)


async def busy(_: tcp_probe.Probe) -> None:
    while True:
        ends = time.perf_counter() + 0.05
        while time.perf_counter() < ends:
            pass
        await anyio.sleep(0.05)


async def returns(_: tcp_probe.Probe) -> None:
    forget_a_thread()


async def raises(_: tcp_probe.Probe) -> None:
    forget_a_thread()
    raise ValueError("bad job")


def forget_a_thread() -> None:
    """Keep the process alive."""
    threading.Thread(target=sys.stdin.read).start()


async def blocked_by_a_sleep(_: tcp_probe.Probe) -> None:
    while not select.select([sys.stdin], [], [], 0)[0]:
        time.sleep(0.02)
    await anyio.sleep_forever()


async def blocked_by_a_spin(_: tcp_probe.Probe) -> None:
    healed = False

    def heal() -> None:
        nonlocal healed
        sys.stdin.readline()
        healed = True

    threading.Thread(target=heal, daemon=True).start()
    while not healed:
        pass
    await anyio.sleep_forever()


async def blocked_by_a_lock(_: tcp_probe.Probe) -> None:
    lock = threading.Lock()

    def heal() -> None:
        sys.stdin.readline()
        lock.release()

    lock.acquire()
    threading.Thread(target=heal, daemon=True).start()
    lock.acquire()
    await anyio.sleep_forever()


async def blocked_deep_down(_: tcp_probe.Probe) -> None:
    def down(levels: int) -> None:
        if levels:
            down_again(levels - 1)
        else:
            sys.stdin.readline()

    def down_again(levels: int) -> None:
        down(levels)

    down(40)
    await anyio.sleep_forever()


async def fails(probe: tcp_probe.Probe) -> None:
    probe.fail("draining")
    await reply()
    probe.recover()
    await anyio.sleep_forever()


async def out_of_threads(probe: tcp_probe.Probe) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threading.Thread.start = start  # type: ignore[method-assign]
    with probe.watchdog(60):
        await anyio.sleep_forever()


async def exits(_: tcp_probe.Probe) -> None:
    forget_a_thread()
    sys.exit(1)


async def is_not_ready(_: tcp_probe.Probe) -> None:
    async def condition() -> bool:
        return False

    async with tcp_probe.serve(0, condition=condition):
        await anyio.sleep_forever()


async def ends_when_told(probe: tcp_probe.Probe) -> None:
    """Be told to end while a watchdog has run out, and leave that first."""
    with probe.watchdog(0.3):
        await reply()
    forget_a_thread()


async def dump_is_armed(probe: tcp_probe.Probe) -> None:
    """Wait, where there is a file, until the thread that watches has armed its dump."""
    words = probe._port.gate.last_words
    while words._file is not None and not words._file.is_armed:
        await anyio.sleep(0.01)


async def backtracks_for_ever(probe: tcp_probe.Probe) -> None:
    await dump_is_armed(probe)
    re.match("(a+)+$", "a" * 60 + "b")


@cache
def searched_for_seconds() -> str:
    """Return a text in which the search of `backtracks` takes 2.4 to 4.8 s of CPU."""
    length, took = 15, 0.0
    while took < 0.15:
        began = time.process_time()
        re.match("(a+)+$", "a" * length + "b")
        took = time.process_time() - began
        length += 1
    return "a" * (length + 3) + "b"


async def backtracks(probe: tcp_probe.Probe) -> None:
    await dump_is_armed(probe)
    re.match("(a+)+$", searched_for_seconds())
    await anyio.sleep_forever()


async def holds_the_gil(probe: tcp_probe.Probe) -> None:
    await dump_is_armed(probe)
    ctypes.PyDLL(None).read(0, ctypes.create_string_buffer(1), 1)
    await anyio.sleep_forever()


async def silent_await(probe: tcp_probe.Probe) -> None:
    with probe.watchdog(0.3):
        await reply()
    await anyio.sleep_forever()


async def reply() -> None:
    await anyio.wait_readable(sys.stdin)


async def out_of_files(_: tcp_probe.Probe) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    files = []
    try:
        while True:
            files.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        print("out of files", flush=True)
    await reply()
    for file in files:
        os.close(file)
    await anyio.sleep_forever()


async def forks_and_ends(_: tcp_probe.Probe) -> None:
    print(fork(), flush=True)


async def forks(probe: tcp_probe.Probe) -> None:
    print(fork(), flush=True)
    await healthy(probe)


def fork() -> int:
    child = os.fork()
    if not child:
        signal.pause()
    return child


async def has_a_dump_of_its_own(_: tcp_probe.Probe) -> None:
    faulthandler.dump_traceback_later(0.5)
    await anyio.sleep_forever()


async def forks_a_child_that_fails(probe: tcp_probe.Probe) -> None:
    child = os.fork()
    if not child:
        probe.fail("in a child")
        ctypes.pythonapi.Py_Exit(3)  # sys.exit() would unwind the parent's event loop first
    _, status = await anyio.to_thread.run_sync(os.waitpid, child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
    await anyio.sleep_forever()


async def forks_by_multiprocessing(_: tcp_probe.Probe) -> None:
    child = multiprocessing.get_context("fork").Process(target=signal.pause)
    child.start()
    print(child.pid, flush=True)
    await anyio.sleep_forever()


async def executes(_: tcp_probe.Probe) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"], close_fds=False
    )
    print(child.pid, flush=True)
    await anyio.sleep_forever()


async def work(fault: Callable[[tcp_probe.Probe], Awaitable[None]], options: Any) -> None:
    async with tcp_probe.serve(0, **options) as probe:
        print(probe.port, flush=True)
        await fault(probe)


def main() -> None:
    fault, loop, options = sys.argv[1:]
    if fault == "backtracks":
        searched_for_seconds()  # now, as nothing listens yet that it would hold up
    # From 3.12 on Python tells of a fork beside threads, and a worker has the watching one.
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.getLogger("tcp_probe").setLevel(logging.DEBUG)
    anyio.run(
        work,
        globals()[fault],
        json.loads(options),
        backend="trio" if loop == "trio" else "asyncio",
        backend_options={"use_uvloop": True} if loop == "uvloop" else {},
    )


if __name__ == "__main__":
    main()

"""Workers in processes of their own, that end with the block that uses them, and what they take."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

ROOT = Path(__file__).parents[1]
BACKLOG = 512  # so that 256 checks at once find room in the queue of every candidate
_START_LIMIT = 120.0  # s, where a hundred workers start at once

Key = TypeVar("Key")


@dataclass(frozen=True)
class Server:
    """A worker that runs, and what it has told: how to check it."""

    process: subprocess.Popen[str]
    told: str

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The port to check; 0: it has none."""
        return int(self.told.split()[-1])

    @property
    def cpu_ns(self) -> int:
        """The CPU time it has taken so far, in ns."""
        return cpu_ns(self.pid)

    @property
    def resident_bytes(self) -> int:
        """Its resident memory."""
        return resident_bytes(self.pid)


def cpu_ns(pid: int) -> int:
    """Return the CPU time of a process in ns: all its threads, those that have ended too."""
    # clock_getcpuclockid(3), which Python has for threads only.
    return time.clock_gettime_ns((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, exactly: /proc/PID/statm may be pages behind."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup has no line Rss:")


def resources(pid: int) -> dict[str, int]:
    """Return what a process holds: all that must not grow."""
    process = psutil.Process(pid)
    return {
        "resident_bytes": resident_bytes(pid),
        "file_descriptors": process.num_fds(),
        "threads": process.num_threads(),
    }


def module(name: str, *arguments: object) -> list[str]:
    """Return the command that runs a module of the benchmarks."""
    return [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]


def candidate_command(name: str, *arguments: object) -> list[str]:
    """Return the command that serves a candidate, with a queue that is never full."""
    return module("worker", name, "--backlog", BACKLOG, *arguments)


def output_of(command: Sequence[str]) -> str:
    """Run a command to its end."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def serving(
    commands: Mapping[Key, Sequence[str]], core: int | None = None, *, quiet: bool = False
) -> Iterator[dict[Key, Server]]:
    """Run workers, on one core if it is given; yield them by name once all can be checked.

    `quiet`: what they say on the standard error is expected, and thrown away.
    """
    processes: dict[Key, subprocess.Popen[str]] = {}
    try:
        for name, command in commands.items():
            # In a session of its own, so that its children end with it.
            processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if quiet else None,
                text=True,
                start_new_session=True,
            )
        servers = {name: Server(each, _told(each)) for name, each in processes.items()}
        for server in servers.values():
            if core is not None:
                pin(server.pid, core)
            if not server.told.startswith(("exec", "none")):
                _wait_until_listening(server.port)
        yield servers
    finally:
        for process in processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in processes.values():
            process.communicate()


@contextmanager
def no_process_left() -> Iterator[None]:
    """End on SIGTERM as on ^C, and take every process that was started along."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # Also one whose start was interrupted before anything here knew of it.
        left = psutil.Process().children(recursive=True)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left)


def pin(pid: int, core: int) -> None:
    """Keep every thread of a process on one core; threads that it starts later stay there too."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def _told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_LIMIT)
    line = process.stdout.readline() if ready else ""
    if not line:
        raise RuntimeError(f"no start within {_START_LIMIT:g} s, or an early end: {process.args!r}")
    return line.strip()


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 20):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"port {port} does not listen within {_START_LIMIT:g} s")
        time.sleep(0.01)

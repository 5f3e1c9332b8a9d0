"""Processes that are measured: how they start, what they take, and that they end."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
_START_LIMIT = 120.0  # s, where a hundred workers start at once
_CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
SERVER_CORE, CLIENT_CORE = _CORES[0], _CORES[-1]  # the same one where there is only one


class Server(psutil.Popen):
    """A worker that runs: a process with `told`, which is how to check it: see candidates.tell."""

    told = kind = ""
    port = 0

    @property
    def cpu_ns(self) -> int:
        """The CPU time it has taken so far, in ns: all its threads, those that ended too."""
        # clock_getcpuclockid(3), which Python has for threads only.
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def wait_until_ready(self) -> None:
        """Wait until it can be checked."""
        ready, _, _ = select.select([self.stdout], [], [], _START_LIMIT)
        self.told = self.stdout.readline().strip() if ready else ""
        if not self.told:
            raise RuntimeError(f"no start in {_START_LIMIT:g} s, or an early end: {self.args!r}")
        self.kind, _, what = self.told.partition(" ")
        self.port = int(what) if self.kind in {"tcp", "http"} else 0


def resident_bytes(pid: int | str) -> int:
    """Return the resident memory of a process, exactly: /proc/PID/statm may be pages behind."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return int(rollup.partition("\nRss:")[2].split()[0]) * 1024


def resources(pid: int, before: Mapping[str, list[int]] | None = None) -> dict[str, list[int]]:
    """Return what a process holds, all that must not grow, behind what it held before."""
    process = psutil.Process(pid)
    found = {
        "resident KiB": resident_bytes(pid) // 1024,
        "file descriptors": process.num_fds(),
        "threads": process.num_threads(),
    }
    return {what: [*(before or {}).get(what, []), held] for what, held in found.items()}


@cache
def compiled(name: str) -> str:
    """Compile native/NAME.c; return the program."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("expected a C compiler (cc, gcc or clang) on the PATH, found none")
    program, source = Path(mkdtemp(), name), ROOT / "benchmarks" / "native" / f"{name}.c"
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return str(program)


def worker(candidate: str, *work: object, backlog: int = 512) -> list[str]:
    """Return the command that runs a worker with a candidate around it: see worker.py.

    The queue is as long as 256 checks at once need to find room in it, whatever the candidate;
    with a backlog of 0 it is as long as the candidate makes it.
    """
    given = map(str, (candidate, backlog, *work))
    return [sys.executable, "-m", "benchmarks.worker", *given]


def found_by(command: Sequence[str]) -> Any:
    """Run a command to its end; return what its last line says in JSON."""
    run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


@contextmanager
def serving(
    commands: Mapping[Any, Sequence[str]], core: int | None = None, *, quiet: bool = False
) -> Iterator[dict[Any, Server]]:
    """Run workers, on one core if it is given; yield them by name once all can be checked.

    `quiet`: what they say on the standard error is expected, and thrown away.
    """
    servers: dict[Any, Server] = {}
    try:
        for name, command in commands.items():
            servers[name] = Server(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if quiet else None,
                text=True,
                start_new_session=True,  # so that its children end with it
            )
        for server in servers.values():
            server.wait_until_ready()
            if core is not None:
                # Threads that it starts later stay there too.
                for thread in server.threads():
                    os.sched_setaffinity(thread.id, {core})
        yield servers
    finally:
        for server in servers.values():
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.communicate()


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

"""Servers in processes of their own, that end with the block that uses them."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.accounting import cpu_ns, resident_bytes

ROOT = Path(__file__).parents[1]
BACKLOG = 512  # so that 256 checks at once find room in the queue of every candidate
_START_LIMIT = 60.0  # s


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    pid: int
    port: int

    @property
    def cpu_ns(self) -> int:
        """The CPU time it has taken so far, in ns."""
        return cpu_ns(self.pid)

    @property
    def resident_bytes(self) -> int:
        """Its resident memory."""
        return resident_bytes(self.pid)


def candidate_command(name: str, progress: Path | None = None) -> list[str]:
    """Return the command that serves a candidate."""
    command = [sys.executable, "-m", "benchmarks.server", name, "--backlog", str(BACKLOG)]
    return command if progress is None else [*command, "--progress", str(progress)]


@contextmanager
def serving(commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Server]]:
    """Run servers, each of which prints its port; yield them by name."""
    processes: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, command in commands.items():
            processes[name] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        yield {name: Server(each.pid, _port(name, each)) for name, each in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
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


def _port(name: str, process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_LIMIT)
    line = process.stdout.readline() if ready else ""
    if not line:
        raise RuntimeError(f"{name} did not start within {_START_LIMIT:g} s, or ended at once")
    return int(line)

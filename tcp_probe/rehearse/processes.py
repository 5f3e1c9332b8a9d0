from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

import anyio

from . import guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from anyio.abc import Process


@contextmanager
def guarded(token: str) -> Iterator[None]:
    """Let no process with this token in its environment outlive the body, or this process."""
    command = [sys.executable, "-I", "-S", guard.__file__, token]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watch:  # noqa: S603
        try:
            yield
        finally:
            guard.kill_marked(token)
            watch.kill()


async def started(command: Sequence[str], env: Mapping[str, str]) -> Process:
    """Start a command in a process group of its own, its output to be read, its input empty.

    Raises the `OSError` that says why it cannot be run.
    """
    # Cancelled half-way there would be a process that nobody knows of.
    with anyio.CancelScope(shield=True):
        process = await anyio.open_process(
            command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=env, start_new_session=True
        )
    return process  # noqa: RET504 (to mypy a `with` that may suppress has a way around)


def kill_group(pid: int) -> None:
    """Kill the process group of a process that leads one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def hears(pid: int, number: int = signal.SIGTERM) -> bool:
    """Say whether a signal would reach this process if it were PID 1, as it is in a container.

    To PID 1 the kernel delivers only signals that it handles, or has blocked to fetch them itself.
    Where /proc does not tell, the answer is yes.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    masks = [int(fields.get(name, "0"), 16) for name in ("SigCgt", "SigBlk")]
    return bool((masks[0] | masks[1]) >> (number - 1) & 1)

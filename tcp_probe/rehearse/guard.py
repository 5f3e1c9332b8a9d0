"""Ends what a rehearsal started, also when the rehearsal itself is killed.

Every process of a rehearsal carries a token in its environment, which its own children inherit.
A second, tiny process waits for the end of a pipe that only the rehearsal holds, then kills
whatever still carries the token. It is run as a file, so that it imports next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
VARIABLE = "TCP_PROBE_REHEARSAL"
# Between SIGKILL and the end of a process the kernel may need a moment.
PAUSE = 0.01
TRIES = 200


def kill_marked(token: str) -> None:
    """Kill every process that carries this token, until there is none."""
    for _ in range(TRIES):
        pids = marked(token)
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE)


def marked(token: str) -> list[int]:
    """Return the processes that carry this token."""
    mark = f"{VARIABLE}={token}".encode()
    # Without /proc (macOS) nothing is found; a rehearsal then only ends process groups.
    return [int(path.parent.name) for path in PROC.glob("[0-9]*/environ") if mark in _read(path)]


def _read(environ: Path) -> list[bytes]:
    try:
        return environ.read_bytes().split(b"\0")
    except OSError:
        return []


if __name__ == "__main__":
    sys.stdin.buffer.read()
    kill_marked(sys.argv[1])

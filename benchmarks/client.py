"""The client side of a benchmark: native/client.c makes checks as kubelet does, and times them."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.processes import CLIENT_CORE, ROOT, SERVER_CORE, Server

# How long each check took, in ns: to connect, and to the end of the answer.
Times = tuple[Sequence[int], Sequence[int]]


@cache
def compiled(name: str) -> str:
    """Compile native/NAME.c; return the program."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("expected a C compiler (cc, gcc or clang) on the PATH, found none")
    program, source = Path(mkdtemp(), name), ROOT / "benchmarks" / "native" / f"{name}.c"
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return str(program)


def start(  # noqa: PLR0913 (each is another trait of the checks)
    server: Server,
    count: int,
    *,
    to_the_end: bool = False,
    level: int = 1,
    period: float = 0.0,
    spin: bool = False,
) -> subprocess.Popen[bytes]:
    """Begin to make `count` checks, `level` of them at once, these every `period` seconds.

    `to_the_end`: each lasts until the server closes it, as one by HTTP always does. `spin`: stay
    awake in between, if the client has a core to itself.
    """
    kind = "eof" if to_the_end and server.kind == "tcp" else server.kind
    wait = "spin" if spin and SERVER_CORE != CLIENT_CORE else "sleep"
    return _start(kind, server.port, count, level, round(period * 1e9), wait)


def times(process: subprocess.Popen[bytes]) -> Times:
    """Wait until a client that was started has ended; return its times."""
    records = _records(process)
    return records[0::2], records[1::2]


def check(server: Server, count: int, **how: Any) -> tuple[float, Times]:
    """Make checks as `start` does; return the server's µs of CPU for each, and the times."""
    before = server.cpu_ns
    took = times(start(server, count, **how))
    return (server.cpu_ns - before) / count / 1000, took


def run(command: Sequence[str]) -> Sequence[int]:
    """Run a command; return what it took: ns, ns of CPU, bytes at its peak."""
    return _records(_start("run", *command))


def _start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [compiled("client"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def _records(process: subprocess.Popen[bytes]) -> array[int]:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the client failed: {process.args!r}, status {process.returncode}")
    return array("q", output)

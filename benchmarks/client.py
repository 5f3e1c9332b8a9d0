"""The client side of a benchmark: native/client.c makes checks as kubelet does, and times them."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.processes import ROOT

# How long each check took, in ns: to connect, and to the end of the answer.
Times = tuple[Sequence[int], Sequence[int]]


@cache
def compiled(name: str) -> str:
    """Compile native/NAME.c; return the program."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("expected a C compiler (cc, gcc or clang) on the PATH, found none")
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    program, source = Path(folder, name), ROOT / "benchmarks" / "native" / f"{name}.c"
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return str(program)


def start(  # noqa: PLR0913 (each is another trait of the checks)
    kind: str, port: int, count: int, *, level: int = 1, period: float = 0.0, spin: bool = False
) -> subprocess.Popen[bytes]:
    """Begin to make `count` checks, `level` of them at once, these every `period` seconds.

    `kind`: tcp, eof (until the server closes) or http. `spin`: stay awake in between, where the
    client has a core to itself.
    """
    return _start(kind, port, count, level, round(period * 1e9), "spin" if spin else "sleep")


def times(process: subprocess.Popen[bytes]) -> Times:
    """Wait until a client that was started has ended; return its times."""
    records = _records(process)
    return records[0::2], records[1::2]


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

"""The client side of a benchmark: native/client.c makes checks as kubelet does, and times them."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ROOT


@dataclass(frozen=True)
class Times:
    """How long each check took, in ns: to connect, and to the end of the answer."""

    connect: Sequence[int]
    whole: Sequence[int]


@dataclass(frozen=True)
class Runs:
    """What each run of a command took: ns, ns of CPU, bytes at its peak."""

    whole: Sequence[int]
    cpu: Sequence[int]
    peak: Sequence[int]


def compile_native(name: str, folder: Path) -> Path:
    """Compile native/NAME.c into `folder`; return the program."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("expected a C compiler (cc, gcc or clang) on the PATH, found none")
    program = folder / name
    source = ROOT / "benchmarks" / "native" / f"{name}.c"
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program


class Client:
    """Makes checks from a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._program = str(compile_native("client", folder))

    def start(
        self, kind: str, port: int, count: int, period: float = 0.0, *, spin: bool = False
    ) -> subprocess.Popen[bytes]:
        """Begin to make `count` checks, one after the other, one each `period` seconds.

        `kind`: tcp, eof (until the server closes) or http. `spin`: stay awake in between, where the
        client has a core to itself.
        """
        wait = "spin" if spin else "sleep"
        return self._start("one-by-one", kind, port, count, round(period * 1e9), wait)

    def one_by_one(
        self, kind: str, port: int, count: int, period: float = 0.0, *, spin: bool = False
    ) -> Times:
        """Make `count` checks as `start` does and return their times."""
        return times(self.start(kind, port, count, period, spin=spin))

    def at_once(self, kind: str, port: int, level: int, batches: int) -> Times:
        """Make `batches` times `level` checks at once; the times count from the batch's begin."""
        return times(self._start("at-once", kind, port, level, batches))

    def commands(self, command: Sequence[str], count: int) -> Runs:
        """Run a command `count` times."""
        records = _records(self._start("commands", count, *command))
        return Runs(records[0::3], records[1::3], records[2::3])

    def _start(self, *arguments: object) -> subprocess.Popen[bytes]:
        command = [self._program, *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def times(process: subprocess.Popen[bytes]) -> Times:
    """Wait until a client that was started has ended; return its times."""
    records = _records(process)
    return Times(records[0::2], records[1::2])


def _records(process: subprocess.Popen[bytes]) -> array[int]:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the client failed: {process.args!r}, status {process.returncode}")
    records = array("q")
    records.frombytes(output)
    return records

"""The client side of a benchmark: native/client.c makes checks as kubelet does, and times them."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import ROOT

# How long each check took, in ns: to connect, and to the end of the answer.
Times = tuple[Sequence[int], Sequence[int]]


def compile_native(name: str, folder: Path) -> str:
    """Compile native/NAME.c into `folder`; return the program."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("expected a C compiler (cc, gcc or clang) on the PATH, found none")
    source, program = ROOT / "benchmarks" / "native" / f"{name}.c", folder / name
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return str(program)


class Client:
    """Makes checks from a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._program = compile_native("client", folder)

    def start(  # noqa: PLR0913 (each is another trait of the checks)
        self,
        kind: str,
        port: int,
        count: int,
        *,
        level: int = 1,
        period: float = 0.0,
        spin: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Begin to make `count` checks, `level` of them at once, these every `period` seconds.

        `kind`: tcp, eof (until the server closes) or http. `spin`: stay awake in between, where the
        client has a core to itself.
        """
        wait = "spin" if spin else "sleep"
        return self._start("checks", kind, port, count, level, round(period * 1e9), wait)

    def commands(self, command: Sequence[str], count: int) -> Sequence[Sequence[int]]:
        """Run a command so often; return what each run took: ns, ns of CPU, bytes at its peak."""
        records = _records(self._start("commands", count, *command))
        return [records[index::3] for index in range(3)]

    def _start(self, *arguments: object) -> subprocess.Popen[bytes]:
        command = [self._program, *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def times(process: subprocess.Popen[bytes]) -> Times:
    """Wait until a client that was started has ended; return its times."""
    records = _records(process)
    return records[0::2], records[1::2]


def _records(process: subprocess.Popen[bytes]) -> array[int]:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the client failed: {process.args!r}, status {process.returncode}")
    return array("q", output)

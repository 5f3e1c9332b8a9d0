"""Compiles the C programs of the benchmarks on the spot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCES = Path(__file__).with_name("native")


def compile_native(name: str, folder: Path) -> Path | None:
    """Compile native/NAME.c into `folder`; return the program, or None without a C compiler."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return None
    program = folder / name
    subprocess.run([compiler, "-O2", "-o", program, _SOURCES / f"{name}.c"], check=True)
    return program

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))  # last: an installed tcp_probe goes before the tree's

_NEEDED = ("aiohttp", "fastapi", "matplotlib", "psutil", "trio", "uvicorn", "uvloop")
_LIMIT = 240.0  # s, for what takes 15 s on an idle machine


@pytest.fixture(scope="session", autouse=True)
def _what_benchmarks_need() -> None:
    if sys.platform != "linux":
        pytest.skip("the benchmarks read the accounting of Linux")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the extra `bench` is not installed: no {', '.join(missing)}")


@dataclass(frozen=True)
class QuickRun:
    """A run of `python -m benchmarks.cost --quick` that has ended."""

    status: int
    output: str
    folder: Path
    results: dict[str, Any]
    left: list[str]


def in_session(leader: int) -> list[str]:
    """Return the command lines of all processes in a session."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


@pytest.fixture
def cost_process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a quick run that has just begun, in a session of its own."""
    yield from _quick(tmp_path)


def _quick(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.cost", "--quick", "--output", str(folder)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if in_session(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuickRun]:
    """Yield what one whole quick run gave."""
    folder = tmp_path_factory.mktemp("results")
    for process in _quick(folder):
        output, _ = process.communicate(timeout=_LIMIT)
        results = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
        yield QuickRun(process.returncode, output, folder, results, in_session(process.pid))


@pytest.fixture(params=["C", "Python"])
def client(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client in C, and one as it is where there is no compiler."""
    from benchmarks.client import Client

    if request.param == "Python":
        monkeypatch.setenv("PATH", "")
    made = Client(tmp_path)
    if made.language != request.param:
        pytest.skip("there is no C compiler")
    return made


@pytest.fixture
def session_of() -> Any:
    """Return what lists the processes of a session."""
    return in_session

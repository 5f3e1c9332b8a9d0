from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))  # last: an installed tcp_probe goes before the tree's

_NEEDED = ("aiohttp", "fastapi", "matplotlib", "numpy", "psutil", "trio", "uvicorn", "uvloop")
_LIMIT = 480.0  # s, for what takes 15 s on an idle machine


@pytest.fixture(scope="session", autouse=True)
def _what_benchmarks_need() -> None:
    if sys.platform != "linux":
        pytest.skip("the benchmarks read the accounting of Linux")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"benchmarks/requirements.txt is not installed: no {', '.join(missing)}")


@dataclass(frozen=True)
class QuickRun:
    """A run of `python -m benchmarks.cost --quick` that has ended."""

    status: int
    output: str
    folder: Path
    results: dict[str, Any]
    left: list[str]


_MARK = "TCP_PROBE_TEST_RUN"


def _started_by(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return all processes of a run, which carry its mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            marked = process.environ().get(_MARK) == str(run.args)
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextmanager
def _quick(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.cost", "--quick", "--output", str(folder)]
    env = {**os.environ, _MARK: str(command)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        for each in _started_by(process):
            with suppress(psutil.Error):
                each.kill()
        process.communicate()


@pytest.fixture
def cost_process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a quick run that has just begun."""
    with _quick(tmp_path) as process:
        yield process


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> QuickRun:
    """Return what one whole quick run gave."""
    folder = tmp_path_factory.mktemp("results")
    with _quick(folder) as process:
        output, _ = process.communicate(timeout=_LIMIT)
        left = [each.name() for each in _started_by(process)]
    results = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
    return QuickRun(process.returncode, output, folder, results, left)


@pytest.fixture
def started_by() -> Any:
    """Return what lists the processes of a run."""
    return _started_by

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import tcp_probe

PUBLIC = tuple(f"tcp_probe.{name}" for name in tcp_probe.__all__ if name[0] != "_")
MISTYPED = "from tcp_probe import srve\n"


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a type checker in a folder of its own, which has the package beside it."""
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "MYPYPATH": root, "PYTHONPATH": root}
    command = (sys.executable, "-m", *command)
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.skipif(not find_spec("mypy"), reason="mypy is not installed")
def test_mypy_sees_a_mistyped_name(tmp_path: Path) -> None:
    """A name that the package does not have is an error for mypy."""
    (tmp_path / "worker.py").write_text(MISTYPED)
    done = run("mypy", "worker.py", folder=tmp_path)
    assert 'Module "tcp_probe" has no attribute "srve"' in done.stdout


@pytest.mark.skipif(not find_spec("basedpyright"), reason="pyright is not installed")
def test_pyright_sees_a_mistyped_name(tmp_path: Path) -> None:
    """A name that the package does not have is an error for pyright."""
    (tmp_path / "worker.py").write_text(MISTYPED)
    done = run("basedpyright", "worker.py", folder=tmp_path)
    assert '"srve" is unknown import symbol' in done.stdout


@pytest.mark.skipif(not find_spec("basedpyright"), reason="pyright is not installed")
def test_the_public_names_are_typed_in_full(tmp_path: Path) -> None:
    """Pyright knows the type of every public name and of all that it has."""
    options = ("--ignoreexternal", "--verifytypes", "tcp_probe", "--outputjson")
    done = run("basedpyright", *options, folder=tmp_path)
    symbols = json.loads(done.stdout)["typeCompleteness"]["symbols"]
    public = {
        each["name"]: each["isTypeKnown"]
        for each in symbols
        if each["isExported"] and each["name"].startswith(PUBLIC)
    }
    assert {name for name, is_known in public.items() if not is_known} == set()
    assert set(PUBLIC) <= set(public)

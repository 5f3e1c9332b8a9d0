from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import claude_worker
import psutil

DEMO = Path(claude_worker.__file__).with_name("demo.py")


def left_over(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a demonstration's folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TMPDIR", "").startswith(str(folder)):
                found.append(process)
    return found


def test_the_demonstration_shows_what_checks_see(tmp_path: Path) -> None:
    """From refused to ready, all jobs, and refused again after SIGTERM; nothing is left."""
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    shown = [line.partition(" s  ")[2] for line in done.stdout.splitlines()]
    story = (
        "liveness fails: Connection refused",
        "readiness fails: Connection refused",
        "liveness passes",
        "readiness passes",
        "SIGTERM",
        "worker ended with 0",
    )
    positions = [shown.index(line) for line in story]
    assert positions == sorted(positions)
    assert sum(line.startswith("job ") for line in shown) == 4
    assert not list(tmp_path.iterdir())
    assert not left_over(tmp_path)


def test_an_interrupted_demonstration_leaves_nothing(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    """^C ends the worker and its CLI too."""
    with subprocess.Popen(
        [sys.executable, str(DEMO)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    ) as demo:
        until(lambda: any(p.name() == "claude" for p in left_over(tmp_path)), "a turn in hand")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 130
    until(lambda: not left_over(tmp_path), "no process left")
    assert not list(tmp_path.iterdir())

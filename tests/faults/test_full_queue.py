from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil

Start = Callable[..., Any]
Soon = Callable[[Callable[[], object]], None]


def test_the_gil_held_in_c(start: Start, soon: Soon) -> None:
    """A worker in C code that holds the GIL passes `backlog + 1` checks, then none, and heals."""
    worker = start("holds_the_gil")
    assert worker.until_killed() == ["passed"] * 3 + ["timed out"] * 3
    worker.tell()
    soon(lambda: worker.check() == "passed")


def test_a_stopped_process(start: Start, soon: Soon) -> None:
    """A stopped process passes `backlog + 1` checks, then none, and heals when it goes on."""
    worker = start("healthy", backlog=5)
    os.kill(worker.pid, signal.SIGSTOP)
    soon(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
    assert worker.until_killed() == ["passed"] * 6 + ["timed out"] * 3
    os.kill(worker.pid, signal.SIGCONT)
    soon(lambda: worker.check() == "passed")


def test_no_file_descriptors_left(start: Start, soon: Soon) -> None:
    """A worker out of file descriptors passes `backlog + 1` checks at most, and heals."""
    worker = start("out_of_files")
    assert worker.told() == "out of files"
    outcomes = worker.until_killed()
    assert outcomes[-3:] == ["timed out"] * 3
    assert 0 < outcomes.count("passed") == len(outcomes) - 3 <= 3
    soon(lambda: "cannot accept checks, and tries again every 0.1 s: [Errno 24]" in worker.log)
    worker.tell()
    # More than the queue takes: they are accepted again.
    for _ in range(20):
        soon(lambda: worker.check() == "passed")
    assert worker.log.count("cannot accept") == 1

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

Start = Callable[..., Any]
Soon = Callable[[Callable[[], object]], None]

# On a busy machine it may still be on its way to sleep.
ALIVE = {psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP, psutil.STATUS_RUNNING}


def test_a_forked_child_that_outlives_its_parent(start: Start) -> None:
    """The end of the worker refuses, though a forked child has a copy of its socket."""
    worker = start("forks_and_ends")
    child = psutil.Process(int(worker.told()))
    worker.process.wait()
    assert worker.until_killed() == ["refused"] * 3
    assert child.status() in ALIVE


@pytest.mark.parametrize("fault", ["forks", "forks_by_multiprocessing", "executes"])
def test_a_child_of_a_killed_parent(fault: str, start: Start) -> None:
    """A parent that is killed outright is refused, however it made the child that lives on."""
    worker = start(fault)
    child = psutil.Process(int(worker.told()))
    worker.process.kill()
    worker.process.wait()
    assert worker.until_killed() == ["refused"] * 3
    assert child.status() in ALIVE


def test_the_end_of_a_forked_child(start: Start, soon: Soon) -> None:
    """Neither the birth nor the end of a forked child keeps its parent from answering."""
    worker = start("forks", backlog=100)
    child = psutil.Process(int(worker.told()))
    assert worker.check() == "passed"
    child.kill()
    soon(lambda: child.status() == psutil.STATUS_ZOMBIE)
    assert [worker.check() for _ in range(20)] == ["passed"] * 20
    soon(lambda: worker.answered() == 21)
    assert worker.log == f"INFO port {worker.port} answers checks\n"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Start = Callable[..., Any]
Soon = Callable[[Callable[[], object]], None]

# Then no check finds the queue full before the worker has ended.
DEEP = 100


def test_a_worker_that_returns(start: Start, soon: Soon) -> None:
    """A worker that has returned is refused, and the log says so, though its process lives on."""
    worker = start("returns", backlog=DEEP)
    assert worker.until_killed()[-3:] == ["refused"] * 3
    assert worker.process.poll() is None
    soon(lambda: f"INFO port {worker.port} refuses checks: the worker has ended\n" in worker.log)


def test_a_worker_that_raises(start: Start, soon: Soon) -> None:
    """A worker that has raised is refused, and the log has the exception, though it lives on."""
    worker = start("raises", backlog=DEEP)
    assert worker.until_killed()[-3:] == ["refused"] * 3
    assert worker.process.poll() is None
    reason = "the worker ended with ValueError('bad job')"
    soon(lambda: f"WARNING port {worker.port} refuses checks: {reason}\n" in worker.log)


def test_a_process_that_is_gone(start: Start) -> None:
    """A killed process is refused from the next check on."""
    worker = start("healthy")
    assert worker.check() == "passed"
    worker.process.kill()
    worker.process.wait()
    assert worker.until_killed() == ["refused"] * 3

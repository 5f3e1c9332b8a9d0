from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Soon = Callable[[Callable[[], object]], None]

# Then it is the stall that is seen, and not the full queue.
DEEP = 100


@pytest.mark.parametrize("fault", ["blocked_by_a_sleep", "blocked_by_a_spin", "blocked_by_a_lock"])
def test_a_blocked_loop(fault: str, start: Start, soon: Soon) -> None:
    """A loop that is blocked is refused, the log shows by what, and it heals when that ends."""
    worker = start(fault, stall_timeout=0.3, backlog=DEEP)
    assert worker.until_killed()[-3:] == ["refused"] * 3
    reason = "the event loop has not run for 0.3 s"
    soon(lambda: f"in {fault}\n" in worker.log)
    assert f"WARNING port {worker.port} refuses checks: {reason}\nthe thread " in worker.log
    worker.tell()
    soon(lambda: worker.check() == "passed")
    soon(lambda: worker.log.endswith(f"INFO port {worker.port} answers checks\n"))


def test_a_silent_await(start: Start, soon: Soon) -> None:
    """An await that never ends is refused by a watchdog, the log shows which, and it heals."""
    worker = start("silent_await", backlog=DEEP)
    assert worker.until_killed()[-3:] == ["refused"] * 3
    reason = "a watchdog ran out: no reset for 0.3 s"
    soon(lambda: "in reply\n" in worker.log)
    assert "in silent_await\n" in worker.log
    assert f"WARNING port {worker.port} refuses checks: {reason}\nthe task waits " in worker.log
    worker.tell()
    soon(lambda: worker.check() == "passed")

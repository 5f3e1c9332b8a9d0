from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Send = Callable[[str], None]


@pytest.fixture
def worker(start: Start, redis: Any) -> Any:
    """Start a huey consumer."""
    worker = start("huey_worker", "python huey_worker.py", redis, {"timeout=60": "timeout=2"})
    worker.until_passing()
    return worker


def test_an_outage_of_the_broker_restarts_nobody(worker: Any, redis: Any, send: Send) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    worker.passes_without(redis)
    send("import huey_worker; huey_worker.work('after the outage')")
    worker.until_done("after the outage")
    assert worker.passes()
    assert worker.stop() == 0


def test_a_main_thread_that_stands_still_is_refused(worker: Any) -> None:
    """A main thread that mends no worker any more is refused, and the log says where."""
    worker.stand_still()
    worker.until_refused_at("no reset for 2 s", "jobs.py", "time.sleep(10_000)")

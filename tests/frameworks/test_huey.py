from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]


@pytest.fixture
def worker(start: Start, redis: Any) -> Any:
    """Start a huey consumer."""
    sends = "import huey_worker; huey_worker.work({job!r})"
    shorter = {"timeout=60": "timeout=2"}
    worker = start("huey_worker", "python huey_worker.py", redis, shorter, sends=sends)
    worker.until_passing()
    return worker


def test_an_outage_of_the_broker_restarts_nobody(
    worker: Any, redis: Any, work_after_an_outage: Callable[..., None]
) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    work_after_an_outage(redis, worker)


def test_a_main_thread_that_stands_still_is_refused(worker: Any) -> None:
    """A main thread that mends no worker any more is refused, and the log says where."""
    worker.stand_still()
    worker.until_refused_at("no reset for 2 s", "jobs.py", "time.sleep(10_000)")

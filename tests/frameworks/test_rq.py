from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]


@pytest.fixture
def worker(start: Start, redis: Any) -> Any:
    """Start an RQ worker that idles for 1 s a turn, and waits up to 1 s for Redis."""
    scale = {
        "timeout=120": "timeout=3",
        "import rq\n": "import rq\nimport jobs\n",  # else only the children import it
        "worker_ttl=60": "worker_ttl=16, job_monitoring_interval=1",
        "watchdog: tcp": "max_connection_wait_time = 1.0\n    watchdog: tcp",
    }
    sends = "import rq_worker; rq_worker.queue.enqueue('jobs.handle', {job!r})"
    worker = start("rq_worker", "python rq_worker.py", redis, scale, sends=sends)
    worker.until_logged("Listening on")
    return worker


def test_an_outage_of_the_broker_restarts_nobody(
    worker: Any, redis: Any, work_after_an_outage: Callable[..., None]
) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    worker.send("before the outage")
    worker.until_done("before the outage")
    work_after_an_outage(redis, worker, lasts=4)


def test_a_long_job_is_no_reason_to_refuse(worker: Any) -> None:
    """Checks pass while a job takes longer than the watchdog: the loop comes round meanwhile."""
    worker.send("stand still")
    worker.until_logged("jobs.handle")
    worker.passes_for(4)


def test_a_loop_that_stands_still_is_refused(worker: Any) -> None:
    """A worker whose loop does not come round is refused, and the log says where."""
    worker.stand_still()
    worker.until_refused_at("no reset for 3 s", "jobs.py", "time.sleep(10_000)")


def test_a_killed_work_horse_is_no_reason_to_refuse(worker: Any) -> None:
    """RQ goes on after a job that was killed, and the port passes."""
    worker.send("die")
    worker.until_logged("signal 9")
    worker.send("next")
    worker.until_done("next")
    assert worker.passes()

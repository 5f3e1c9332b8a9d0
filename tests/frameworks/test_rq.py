from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Send = Callable[[str], None]


@pytest.fixture
def worker(start: Start, redis: Any) -> Any:
    """Start an RQ worker that idles for 1 s a turn, and waits up to 1 s for Redis."""
    scale = {
        "timeout=120": "timeout=3",
        "import rq\n": "import rq\nimport jobs\n",  # else only the children import it
        "worker_ttl=60": "worker_ttl=16, job_monitoring_interval=1",
        "watchdog: tcp": "max_connection_wait_time = 1.0\n    watchdog: tcp",
    }
    worker = start("rq_worker", "python rq_worker.py", redis, scale)
    worker.soon(lambda: "Listening on" in worker.log)
    return worker


def work(job: str) -> str:
    return f"import rq_worker; rq_worker.queue.enqueue('jobs.handle', {job!r})"


def test_an_outage_of_the_broker_restarts_nobody(worker: Any, redis: Any, send: Send) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    send(work("before the outage"))
    worker.until_done("before the outage")
    worker.passes_without(redis)
    send(work("after the outage"))
    worker.until_done("after the outage")
    assert worker.passes()
    assert worker.stop() == 0


def test_a_long_job_is_no_reason_to_refuse(worker: Any, send: Send) -> None:
    """Checks pass while a job takes longer than the watchdog: the loop comes round meanwhile."""
    send(work("stand still"))
    worker.soon(lambda: "jobs.handle" in worker.log)
    worker.passes_for(4)


def test_a_loop_that_stands_still_is_refused(worker: Any) -> None:
    """A worker whose loop does not come round is refused, and the log says where."""
    worker.stand_still()
    worker.until_refused_at("no reset for 3 s", "jobs.py", "time.sleep(10_000)")


def test_a_killed_work_horse_is_no_reason_to_refuse(worker: Any, send: Send) -> None:
    """RQ goes on after a job that was killed, and the port passes."""
    send(work("die"))
    worker.soon(lambda: "signal 9" in worker.log)
    send(work("next"))
    worker.until_done("next")
    assert worker.passes()

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Send = Callable[[str], None]

SHORTER = {"timeout=60": "timeout=2"}
POOLS = ["prefork", "threads", "solo"]


@pytest.fixture
def worker(start: Start, redis: Any, pool: str) -> Any:
    """Start a worker with this pool."""
    command = "celery -A celery_app worker --concurrency 2 --loglevel INFO --without-mingle --pool "
    worker = start("celery_app", command + pool, redis, SHORTER)
    worker.soon(lambda: " ready." in worker.log)
    return worker


def work(job: str) -> str:
    return f"import celery_app; celery_app.work.delay({job!r})"


@pytest.mark.parametrize("pool", POOLS)
def test_an_outage_of_the_broker_restarts_nobody(
    worker: Any, redis: Any, send: Send, pool: str
) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    worker.passes_without(redis)
    send(work("after the outage"))
    worker.until_done("after the outage")
    assert worker.passes()
    assert worker.stop() == 0


@pytest.mark.parametrize("pool", POOLS)
def test_a_main_process_that_stands_still_is_refused(worker: Any, pool: str) -> None:
    """A main process whose loop does not come round is refused, and the log says where."""
    assert worker.passes()
    worker.stand_still()
    worker.until_refused_at("no reset for 2 s", "jobs.py", "time.sleep(10_000)")


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_cold_stop_ends_the_process(worker: Any, pool: str) -> None:
    """SIGQUIT ends the worker as it does without the port."""
    assert worker.passes()
    assert worker.stop(signal.SIGQUIT) == 0


@pytest.mark.parametrize("pool", ["prefork"])
def test_a_killed_child_is_no_reason_to_refuse(worker: Any, send: Send, pool: str) -> None:
    """Celery replaces a killed child while the main process' port passes; a cold stop ends all."""
    before = worker.children()
    send(work("die"))
    worker.soon(lambda: "SIGKILL" in worker.log)
    assert worker.passes()
    send(work("next"))
    worker.until_done("next")
    assert worker.children() != before
    assert worker.passes()
    assert worker.stop(signal.SIGQUIT) == 0

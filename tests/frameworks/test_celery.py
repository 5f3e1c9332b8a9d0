from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

POOLS = ["prefork", "threads", "solo"]


@pytest.fixture
def run(start: Start, redis: Any) -> Callable[[str], Any]:
    """Start a worker with a pool."""

    def run(pool: str) -> Any:
        command = "celery -A celery_app worker --concurrency 2 --loglevel INFO --without-mingle"
        sends = "import celery_app; celery_app.work.delay({job!r})"
        shorter = {"timeout=60": "timeout=2"}
        return start("celery_app", f"{command} --pool {pool}", redis, shorter, sends=sends)

    return run


@pytest.fixture
def worker(run: Callable[[str], Any], pool: str) -> Any:
    """Start a worker with this pool, and wait until it works."""
    worker = run(pool)
    worker.until_logged(" ready.")
    return worker


def test_an_outage_of_the_broker_restarts_nobody(
    run: Callable[[str], Any], redis: Any, work_after_an_outage: Callable[..., None]
) -> None:
    """With each pool checks pass while Redis is down for longer than the watchdog."""
    workers = [run(pool) for pool in POOLS]
    for worker in workers:
        worker.until_logged(" ready.")
    work_after_an_outage(redis, *workers)


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
def test_a_killed_child_is_no_reason_to_refuse(worker: Any, pool: str) -> None:
    """Celery replaces a killed child while the main process' port passes; a cold stop ends all."""
    before = worker.children()
    worker.send("die")
    worker.until_logged("SIGKILL")
    assert worker.passes()
    worker.send("next")
    worker.until_done("next")
    assert worker.children() != before
    assert worker.passes()
    assert worker.stop(signal.SIGQUIT) == 0

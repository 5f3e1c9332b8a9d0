from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

Start = Callable[..., Any]

SHORTER = {"timeout=60": "timeout=2", "timeout=20": "timeout=0.5", "timeout=30": "timeout=1"}
LOOPS = {
    "plain_loop": {"timeout=600": "timeout=2", **SHORTER},
    "queue_consumer": {"timeout=180": "timeout=2", **SHORTER},
}


@pytest.fixture(params=LOOPS)
def recipe(request: pytest.FixtureRequest) -> Any:
    """Name a recipe without a framework."""
    return request.param


@pytest.fixture
def worker(start: Start, redis: Any, recipe: str) -> Any:
    """Start the recipe."""
    worker = start(recipe, f"python {recipe}.py", redis, LOOPS[recipe])
    worker.until_passing()
    return worker


def push(redis: Any, job: str | bytes) -> None:
    with Redis(port=redis.port) as client:
        client.rpush("jobs", job)


def test_an_outage_of_the_broker_restarts_nobody(worker: Any, redis: Any) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    worker.passes_without(redis)
    push(redis, "after the outage")
    worker.until_done("after the outage")
    assert worker.passes()
    assert worker.stop() == 0


def test_a_silent_broker_restarts_nobody(worker: Any, redis: Any) -> None:
    """Checks pass also while Redis accepts connections and says nothing."""
    os.kill(redis.process.pid, signal.SIGSTOP)
    worker.passes_for(3.0)
    os.kill(redis.process.pid, signal.SIGCONT)
    push(redis, "after the silence")
    worker.until_done("after the silence")


def test_a_job_that_stands_still_is_refused(worker: Any, redis: Any, recipe: str) -> None:
    """A job that does not come back is refused, and the log says where."""
    push(redis, "stand still")
    worker.until_refused_at("jobs.py", "time.sleep(10_000)")


@pytest.mark.parametrize("recipe", ["queue_consumer"], indirect=True)
def test_a_producer_that_dies_ends_the_worker(worker: Any, redis: Any, recipe: str) -> None:
    """Where the producer raises, the consumer does not wait for ever: the process ends."""
    push(redis, b"\xff")
    assert worker.exit_code() == 1
    assert "UnicodeDecodeError" in worker.log


def test_a_producer_that_waits_for_ever_is_refused(start: Start, redis: Any) -> None:
    """A fetch that never returns is refused, and the log says where the producer waits."""
    silent = {
        "found = await redis.blpop": "found = await anyio.sleep_forever() or await redis.blpop"
    }
    changes = {**silent, **LOOPS["queue_consumer"]}
    worker = start("queue_consumer", "python queue_consumer.py", redis, changes)
    worker.until_refused_at("no reset for 2 s", "queue_consumer.py", "await anyio.sleep_forever()")


@pytest.fixture
def pool(start: Start) -> Any:
    """Start the pool of processes with these jobs."""

    def pool(*jobs: str) -> Any:
        changes = {"timeout=600": "timeout=2", "sys.argv[1:]": repr(jobs)}
        return start("process_pool", "python process_pool.py", None, changes)

    return pool


def test_a_pool_does_its_jobs_and_ends(pool: Any, tmp_path: Path) -> None:
    """The port passes while the jobs are done, and the process ends with 0."""
    worker = pool("one", "two")
    worker.until_done("two")
    assert worker.exit_code() == 0


def test_a_pool_whose_child_was_killed_ends(pool: Any) -> None:
    """The executor breaks, which ends the process: nothing is left that could pass."""
    worker = pool("die")
    assert worker.exit_code() == 1
    assert "BrokenProcessPool" in worker.log


def test_a_pool_that_brings_no_result_is_refused(pool: Any) -> None:
    """A child that stands still is refused, and the log says where the main process waits."""
    worker = pool("stand still")
    worker.until_refused_at("no reset for 2 s", "process_pool.py", "for _ in pool.map")

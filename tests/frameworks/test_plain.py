from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

SHORTER = {"timeout=60": "timeout=2", "timeout=20": "timeout=0.5", "timeout=30": "timeout=1"}
SENDS = "import redis; redis.Redis.from_url('redis://localhost:6379').rpush('jobs', {job!r})"
LOOPS = {
    "plain_loop": {"timeout=600": "timeout=2", **SHORTER},
    "queue_consumer": {"timeout=180": "timeout=2", **SHORTER},
}


@pytest.fixture
def run(start: Start, redis: Any) -> Callable[[str], Any]:
    """Start a recipe without a framework."""

    def run(recipe: str, changes: dict[str, str] | None = None) -> Any:
        changes = {**LOOPS[recipe], **(changes or {})}
        return start(recipe, f"python {recipe}.py", redis, changes, sends=SENDS)

    return run


@pytest.fixture(params=LOOPS)
def worker(run: Callable[[str], Any], request: pytest.FixtureRequest) -> Any:
    """Start each recipe without a framework, and wait until it works."""
    worker = run(request.param)
    worker.until_passing()
    return worker


def test_an_outage_of_the_broker_restarts_nobody(
    worker: Any, redis: Any, work_after_an_outage: Callable[..., None]
) -> None:
    """Checks pass while Redis is down for longer than the watchdog; then it works and stops."""
    work_after_an_outage(redis, worker)


def test_a_silent_broker_restarts_nobody(worker: Any, redis: Any) -> None:
    """Checks pass also while Redis accepts connections and says nothing."""
    os.kill(redis.process.pid, signal.SIGSTOP)
    worker.passes_for(3.0)
    os.kill(redis.process.pid, signal.SIGCONT)
    worker.send("after the silence")
    worker.until_done("after the silence")


def test_a_job_that_stands_still_is_refused(worker: Any) -> None:
    """A job that does not come back is refused, and the log says where."""
    worker.send("stand still")
    worker.until_refused_at("jobs.py", "time.sleep(10_000)")


@pytest.mark.parametrize("worker", ["queue_consumer"], indirect=True)
def test_a_producer_that_dies_ends_the_worker(worker: Any) -> None:
    """Where the producer raises, the consumer does not wait for ever: the process ends."""
    worker.send(b"\xff")
    assert worker.exit_code() == 1
    assert "UnicodeDecodeError" in worker.log


def test_a_producer_that_waits_for_ever_is_refused(run: Callable[..., Any]) -> None:
    """A fetch that never returns is refused, and the log says where the producer waits."""
    silent = {
        "found = await redis.blpop": "found = await anyio.sleep_forever() or await redis.blpop"
    }
    worker = run("queue_consumer", silent)
    worker.until_refused_at("no reset for 2 s", "queue_consumer.py", "await anyio.sleep_forever()")


@pytest.fixture
def pool(start: Start) -> Any:
    """Start the pool of processes with these jobs."""

    def pool(*jobs: str, timeout: int = 2) -> Any:
        changes = {"timeout=600": f"timeout={timeout}", "sys.argv[1:]": repr(jobs)}
        return start("process_pool", "python process_pool.py", None, changes)

    return pool


def test_a_pool_does_its_jobs_and_ends(pool: Any) -> None:
    """The port passes while the jobs are done, and the process ends with 0."""
    worker = pool("wait", "other", timeout=60)
    worker.until_done("other")
    assert worker.passes()
    (worker.folder / "go on").touch()
    worker.until_done("wait")
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

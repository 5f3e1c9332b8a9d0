from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

ARQ_SEND = """
import asyncio, arq, arq_worker
async def send():
    redis = await arq.create_pool(arq_worker.redis_settings)
    await redis.enqueue_job("work", {job!r})
asyncio.run(send())
"""

# How long (s) the recipes wait at the most until they try a Redis again that is down.
SOONER = {"cap=5": "cap=0.5"}
# The recipe, how it is started, how a job is sent, and what is sooner here.
FRAMEWORKS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "arq": (
        "arq_worker",
        "arq arq_worker.WorkerSettings",
        ARQ_SEND,
        SOONER,
    ),
    "SAQ": (
        "saq_worker",
        "saq saq_worker.settings",
        "import asyncio, saq_worker; asyncio.run(saq_worker.queue.enqueue('work', job={job!r}))",
        {},
    ),
    "taskiq": (
        "taskiq_worker",
        "taskiq worker --workers 1 taskiq_worker:broker",
        "import asyncio, taskiq_worker; asyncio.run(taskiq_worker.work.kiq({job!r}))",
        SOONER,
    ),
}


@pytest.fixture
def run(start: Start, redis: Any) -> Callable[[str], Any]:
    """Start a worker of a framework whose hooks run on an event loop."""

    def run(framework: str) -> Any:
        recipe, command, sends, sooner = FRAMEWORKS[framework]
        return start(recipe, command, redis, sooner, sends=sends)

    return run


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_outage_of_the_broker_restarts_nobody(
    run: Callable[[str], Any],
    redis: Any,
    work_after_an_outage: Callable[..., None],
    framework: str,
) -> None:
    """Checks pass while Redis is down; then jobs go on, and SIGTERM ends the process."""
    worker = run(framework)
    worker.until_passing()
    work_after_an_outage(redis, worker)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_event_loop_that_stands_still_is_refused(
    run: Callable[[str], Any], framework: str
) -> None:
    """A job that blocks the event loop is refused, and the log says where it stands."""
    worker = run(framework)
    worker.until_passing()
    worker.send("stand still")
    worker.until_refused_at("the event loop has not run", "jobs.py", "time.sleep(10_000)")

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Send = Callable[[str, str], None]

ARQ_SEND = """
import asyncio, arq, arq_worker
async def send():
    redis = await arq.create_pool(arq_worker.redis_settings)
    await redis.enqueue_job("work", {job!r})
asyncio.run(send())
"""

# The recipe, how it is started, how a job is sent.
FRAMEWORKS = {
    "arq": (
        "arq_worker",
        "arq arq_worker.WorkerSettings",
        ARQ_SEND,
    ),
    "SAQ": (
        "saq_worker",
        "saq saq_worker.settings",
        "import asyncio, saq_worker; asyncio.run(saq_worker.queue.enqueue('work', job={job!r}))",
    ),
    "taskiq": (
        "taskiq_worker",
        "taskiq worker --workers 1 taskiq_worker:broker",
        "import asyncio, taskiq_worker; asyncio.run(taskiq_worker.work.kiq({job!r}))",
    ),
}


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Any:
    """Name a framework whose hooks run on an event loop."""
    return FRAMEWORKS[request.param]


@pytest.fixture
def worker(start: Start, redis: Any, framework: Any) -> Any:
    """Start a worker of the framework."""
    recipe, command, _ = framework
    worker = start(recipe, command, redis)
    worker.until_passing()
    return worker


def test_an_outage_of_the_broker_restarts_nobody(
    worker: Any, redis: Any, send: Send, framework: Any
) -> None:
    """Checks pass while Redis is down; then jobs go on, and SIGTERM ends the process."""
    worker.passes_without(redis)
    send(framework[2].format(job="after the outage"), framework[1].split()[0])
    worker.until_done("after the outage")
    assert worker.passes()
    assert worker.stop() == 0


def test_an_event_loop_that_stands_still_is_refused(
    worker: Any, send: Send, framework: Any
) -> None:
    """A job that blocks the event loop is refused, and the log says where it stands."""
    send(framework[2].format(job="stand still"), framework[1].split()[0])
    worker.until_refused_at("the event loop has not run", "jobs.py", "time.sleep(10_000)")

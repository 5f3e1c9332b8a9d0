from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

CELERY = {
    '"redis://localhost:6379"': '"amqp://guest:guest@localhost:5672"',
    '{"socket_timeout": 30}': '{"read_timeout": 30}',
    "timeout=60": "timeout=2",
}
# After an outage RabbitMQ knows the queue no more, and drops what comes before the app is back.
FASTSTREAM = (
    "import asyncio, faststream_app as recipe\n"
    "from faststream.rabbit import RabbitQueue\n"
    "async def send():\n"
    "    async with recipe.broker:\n"
    "        await recipe.broker.declare_queue(RabbitQueue('QUEUE'))\n"
    "        await recipe.broker.publish({job!r}, 'QUEUE')\n"
    "asyncio.run(send())"
)


@pytest.fixture
def celery(start: Start, rabbitmq: Any) -> Any:
    """Start a Celery worker, prefork."""
    command = "celery -A celery_app worker --concurrency 2 --loglevel INFO --without-mingle"
    sends = "import celery_app; celery_app.work.delay({job!r})"
    worker = start("celery_app", command, rabbitmq, CELERY, sends=sends)
    worker.until_logged(" ready.")
    return worker


@pytest.fixture
def faststream(start: Start, rabbitmq: Any) -> Any:
    """Start a FastStream app."""
    # A queue of its own, as a job that a worker has not done is given to the next.
    queue = uuid.uuid4().hex
    own = {'subscriber("work")': f'subscriber("{queue}")'}
    sends = FASTSTREAM.replace("QUEUE", queue)
    command = "faststream run faststream_app:app"
    worker = start("faststream_app", command, rabbitmq, own, sends=sends)
    worker.until_logged("FastStream app started")
    return worker


def test_a_main_process_of_celery_that_stands_still_is_refused(celery: Any) -> None:
    """A main process whose loop does not come round is refused, and the log says where."""
    assert celery.passes()
    celery.stand_still()
    celery.until_refused_at("no reset for 2 s", "jobs.py", "time.sleep(10_000)")


def test_an_event_loop_of_faststream_that_stands_still_is_refused(faststream: Any) -> None:
    """A job that blocks the event loop is refused, and the log says where."""
    assert faststream.passes()
    faststream.send("stand still")
    faststream.until_refused_at("the event loop has not run", "jobs.py", "time.sleep(10_000)")


def test_an_outage_restarts_nobody(
    celery: Any, faststream: Any, rabbitmq: Any, work_after_an_outage: Callable[..., None]
) -> None:
    """Checks of both pass while RabbitMQ is down for longer than the watchdog of Celery."""
    work_after_an_outage(rabbitmq, celery, faststream)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Send = Callable[[str], None]

CELERY = {
    '"redis://localhost:6379"': '"amqp://guest:guest@localhost:5672"',
    '{"socket_timeout": 30}': '{"read_timeout": 30}',
    "timeout=60": "timeout=2",
}
FASTSTREAM = (
    "import asyncio, faststream_app as recipe\n"
    "async def send():\n"
    "    async with recipe.broker:\n"
    "        await recipe.broker.publish({job!r}, 'work')\n"
    "asyncio.run(send())"
)


@pytest.fixture
def celery(start: Start, rabbitmq: Any) -> Any:
    """Start a Celery worker, prefork."""
    command = "celery -A celery_app worker --concurrency 2 --loglevel INFO --without-mingle"
    worker = start("celery_app", command, rabbitmq, CELERY)
    worker.soon(lambda: " ready." in worker.log)
    return worker


@pytest.fixture
def faststream(start: Start, rabbitmq: Any) -> Any:
    """Start a FastStream app."""
    worker = start("faststream_app", "faststream run faststream_app:app", rabbitmq)
    worker.soon(lambda: "FastStream app started" in worker.log)
    return worker


def test_a_main_process_of_celery_that_stands_still_is_refused(celery: Any) -> None:
    """A main process whose loop does not come round is refused, and the log says where."""
    assert celery.passes()
    celery.stand_still()
    celery.until_refused_at("no reset for 2 s", "jobs.py", "time.sleep(10_000)")


def test_an_event_loop_of_faststream_that_stands_still_is_refused(
    faststream: Any, send: Send
) -> None:
    """A job that blocks the event loop is refused, and the log says where."""
    assert faststream.passes()
    send(FASTSTREAM.format(job="stand still"))
    faststream.until_refused_at("the event loop has not run", "jobs.py", "time.sleep(10_000)")


def test_an_outage_restarts_no_celery_worker(celery: Any, rabbitmq: Any, send: Send) -> None:
    """Checks pass while RabbitMQ is down for longer than the watchdog; then it works and stops."""
    celery.passes_without(rabbitmq)
    send("import celery_app; celery_app.work.delay('after the outage')")
    celery.until_done("after the outage")
    assert celery.passes()
    assert celery.stop() == 0


def test_an_outage_restarts_no_faststream_app(faststream: Any, rabbitmq: Any, send: Send) -> None:
    """Checks pass while RabbitMQ is down; then jobs go on, and SIGTERM ends the process."""
    faststream.passes_without(rabbitmq)
    send(FASTSTREAM.format(job="after the outage"))
    faststream.until_done("after the outage")
    assert faststream.passes()
    assert faststream.stop() == 0

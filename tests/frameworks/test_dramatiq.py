from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

COMMAND = "dramatiq --processes 1 --threads 2 dramatiq_worker"
SENDS = "import dramatiq_worker; dramatiq_worker.work.send({job!r})"


@pytest.fixture
def worker(start: Start, redis: Any) -> Any:
    """Start dramatiq with one worker process."""
    return run(start, redis, "socket_timeout=0.5")


def run(start: Start, redis: Any, socket_timeout: str) -> Any:
    scale = {"(timeout=60": "(timeout=2", "socket_timeout=10": socket_timeout}
    sooner = {"dramatiq_restart_delay": "500"}  # ms until it tries a broker again that is down
    worker = start("dramatiq_worker", COMMAND, redis, scale, sends=SENDS, variables=sooner)
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
    worker.passes_for(3)


def test_a_fetch_that_does_not_come_back_is_refused(start: Start, redis: Any) -> None:
    """A thread that waits for messages for ever is refused, and the log says where."""
    worker = run(start, redis, "socket_timeout=100")
    os.kill(redis.process.pid, signal.SIGSTOP)
    worker.until_refused_at("no reset for 2 s", "dramatiq_worker.py", "return super().__next__()")
    os.kill(redis.process.pid, signal.SIGCONT)
    worker.until_passing()

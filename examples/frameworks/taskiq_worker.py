"""taskiq: taskiq worker --workers 1 taskiq_worker:broker."""

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import ListQueueBroker

import tcp_probe
from jobs import handle_async

# Else a worker process ends at the first call that finds Redis down, and its port with it.
patient = Retry(ExponentialBackoff(cap=5), retries=1000)
broker = ListQueueBroker("redis://localhost:6379", retry=patient)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def startup(state: TaskiqState) -> None:
    """Listen from now on; the event loop is watched."""
    state.probe = tcp_probe.start(9090)


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def shutdown(state: TaskiqState) -> None:
    """Refuse from now on."""
    state.probe.close()


@broker.task
async def work(job: str) -> None:
    """Do one job."""
    await handle_async(job)

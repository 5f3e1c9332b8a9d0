"""arq: arq arq_worker.WorkerSettings."""

from typing import Any

from arq.connections import RedisSettings
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisDown

import tcp_probe
from jobs import handle_async


async def work(_context: dict[str, Any], job: str) -> None:
    """Do one job."""
    await handle_async(job)


async def startup(context: dict[str, Any]) -> None:
    """Listen from now on; the event loop is watched."""
    context["probe"] = tcp_probe.start(9090)


async def shutdown(context: dict[str, Any]) -> None:
    """Refuse from now on."""
    context["probe"].close()


redis_settings = RedisSettings.from_dsn("redis://localhost:6379")
# Else arq ends at the first call that finds Redis down, and so does every worker at once.
redis_settings.retry = Retry(ExponentialBackoff(cap=5), retries=1000)
redis_settings.retry_on_error = [RedisDown, OSError]


class WorkerSettings:
    """What the command `arq` reads."""

    functions = (work,)
    on_startup = startup
    on_shutdown = shutdown
    redis_settings = redis_settings

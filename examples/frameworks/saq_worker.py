"""SAQ: saq saq_worker.settings."""

from typing import Any

from saq import Queue

import tcp_probe
from jobs import handle_async


async def work(_context: Any, *, job: str) -> None:
    """Do one job."""
    await handle_async(job)


async def startup(context: Any) -> None:
    """Listen from now on; the event loop is watched."""
    context["probe"] = tcp_probe.start(9090)


async def shutdown(context: Any) -> None:
    """Refuse from now on."""
    context["probe"].close()


queue = Queue.from_url("redis://localhost:6379")
settings = {"queue": queue, "functions": [work], "startup": startup, "shutdown": shutdown}

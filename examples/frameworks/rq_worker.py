"""RQ: python rq_worker.py, instead of `rq worker`."""

from typing import Any

import rq
from redis import Redis

import tcp_probe


class Worker(rq.Worker):
    """A worker whose loop must come round: idle, busy, and while Redis is down."""

    watchdog: tcp_probe.Watchdog

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """Each turn of RQ's loop begins with it, and while a job runs every 30 s."""
        self.watchdog.reset()
        super().heartbeat(*args, **kwargs)


queue = rq.Queue(connection=Redis.from_url("redis://localhost:6379"))

if __name__ == "__main__":
    worker = Worker([queue], worker_ttl=60)  # an idle turn takes 45 s
    # RQ waits up to 60 s before it tries a Redis again that is down.
    with tcp_probe.serve(9090) as probe, probe.watchdog(timeout=120) as worker.watchdog:
        worker.work()

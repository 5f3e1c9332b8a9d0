"""huey: python huey_worker.py, instead of `huey_consumer`."""

from typing import Any

from huey import RedisHuey
from huey.consumer import Consumer

import tcp_probe
from jobs import handle

huey = RedisHuey("app", url="redis://localhost:6379")
work = huey.task()(handle)  # its name has its module in it: jobs, not __main__


class WatchedConsumer(Consumer):
    """A consumer whose main thread must come round, which mends its workers and the scheduler."""

    watchdog: tcp_probe.Watchdog

    def loop(self, *args: Any) -> Any:
        """Do one turn of the main thread, every 0.1 s."""
        self.watchdog.reset()
        return super().loop(*args)


if __name__ == "__main__":
    consumer = WatchedConsumer(huey, workers=2)
    with tcp_probe.serve(9090) as probe, probe.watchdog(timeout=60) as consumer.watchdog:
        consumer.run()

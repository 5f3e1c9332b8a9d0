"""dramatiq: dramatiq --processes 1 dramatiq_worker."""

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import tcp_probe
from jobs import handle


class Liveness(dramatiq.Middleware):
    """The port, while the worker process runs."""

    probe: tcp_probe.Probe

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        """Listen from now on."""
        self.probe = tcp_probe.start(9090)

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Refuse from now on."""
        self.probe.close()


class Broker(RedisBroker):
    """Redis, with a watchdog on each fetch of messages."""

    @property
    def consumer_class(self) -> Any:
        """What fetches the messages of one queue, in a thread of its own."""
        base: Any = super().consumer_class

        class Consumer(base):
            def __next__(self) -> Any:
                with liveness.probe.watchdog(timeout=60):
                    return super().__next__()

        return Consumer


liveness = Liveness()
broker = Broker(url="redis://localhost:6379?socket_timeout=10")
broker.add_middleware(liveness)
dramatiq.set_broker(broker)


@dramatiq.actor
def work(job: str) -> None:
    """Do one job."""
    handle(job)

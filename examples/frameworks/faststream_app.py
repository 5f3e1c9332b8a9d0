"""FastStream: faststream run faststream_app:app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream import FastStream
from faststream.rabbit import RabbitBroker

import tcp_probe
from jobs import handle_async


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Listen while the app runs; the event loop is watched."""
    async with tcp_probe.serve(9090):
        yield


broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
app = FastStream(broker, lifespan=lifespan)


@broker.subscriber("work")
async def work(job: str) -> None:
    """Do one job."""
    await handle_async(job)

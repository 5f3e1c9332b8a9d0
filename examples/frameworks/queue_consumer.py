"""A queue inside the worker: an idle consumer is healthy only while its producer is alive."""

import signal

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from redis.asyncio import Redis
from redis.exceptions import RedisError

import tcp_probe
from jobs import handle_async


async def produce(jobs: ObjectSendStream[str], probe: tcp_probe.Probe) -> None:
    """Fetch jobs from Redis."""
    redis = Redis.from_url("redis://localhost:6379", socket_timeout=30, decode_responses=True)
    async with jobs:  # so that its end, however it comes, is the consumer's end
        while True:
            try:
                with probe.watchdog(timeout=60):  # idle is a fetch that finds nothing
                    found = await redis.blpop(["jobs"], timeout=20)
            except RedisError:  # an outage: no restart would mend it
                await anyio.sleep(1)
                continue
            if found:
                await jobs.send(str(found[1]))  # may wait for the consumer: unwatched


async def consume(jobs: ObjectReceiveStream[str], probe: tcp_probe.Probe) -> None:
    """Do the jobs, one after the other."""
    async for job in jobs:
        with probe.watchdog(timeout=180):
            await handle_async(job)


async def main() -> None:
    """Run both: where one raises, both end, and the process with them."""
    send, receive = anyio.create_memory_object_stream[str](100)
    async with tcp_probe.serve(9090) as probe, anyio.create_task_group() as tasks:
        tasks.start_soon(produce, send, probe)
        tasks.start_soon(consume, receive, probe)
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _ in signals:
                tasks.cancel_scope.cancel()


anyio.run(main)

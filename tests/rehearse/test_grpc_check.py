from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tcp_probe.kubelet.handlers import Grpc
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.checks import run_check

PATIENCE = 20.0
Status = health_pb2.HealthCheckResponse.ServingStatus


@contextmanager
def serving(servicer: Any) -> Iterator[int]:
    """Serve a health service, or nothing but an empty server, on a port of 127.0.0.1."""
    server = grpc.server(ThreadPoolExecutor(2))
    if servicer:
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait(PATIENCE)


@pytest.fixture
def server() -> Iterator[Callable[[str], int]]:
    """Serve a status for one service."""
    servicer = health.HealthServicer()
    with serving(servicer) as port:

        def set_status(name: str, service: str = "") -> int:
            servicer.set(service, Status.Value(name))
            return port

        yield set_status


async def checked(port: int, service: str = "", limit: float = PATIENCE) -> Outcome:
    return await run_check(Grpc(port, service=service), limit, {})


async def test_a_server_that_serves_passes(server: Callable[..., int]) -> None:
    """Asked as a whole, or for one service of it."""
    assert await checked(server("SERVING")) == Outcome(success=True)
    assert await checked(server("SERVING", "worker"), "worker") == Outcome(success=True)


@pytest.mark.parametrize("status", ["NOT_SERVING", "UNKNOWN"])
async def test_another_status_fails(status: str, server: Callable[..., int]) -> None:
    """With the status, in kubelet's words."""
    message = f'service unhealthy (responded with "{status}")'
    assert await checked(server(status)) == Outcome(success=False, message=message)


async def test_an_unknown_service_fails(server: Callable[..., int]) -> None:
    """As Go names the code."""
    outcome = await checked(server("SERVING"), "other")
    message = "error: health rpc probe failed: rpc error: code = NotFound desc = "
    assert outcome == Outcome(success=False, message=message)


async def test_a_server_without_a_health_service_fails() -> None:
    """And is told that it needs one."""
    with serving(None) as port:
        outcome = await checked(port)
    assert outcome.success is False
    assert outcome.message.startswith(
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
    )


async def test_a_closed_port_fails_after_the_whole_timeout(free_port: int) -> None:
    """It is never `refused`: the client tries again until then."""
    began = time.monotonic()
    outcome = await checked(free_port, limit=0.5)
    assert time.monotonic() - began >= 0.49
    message = f'timeout: failed to connect service "127.0.0.1:{free_port}" within 500ms: '
    assert outcome == Outcome(success=False, message=f"{message}context deadline exceeded")


async def test_a_port_that_speaks_something_else_fails() -> None:
    """To connect is not enough."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = await checked(listener.getsockname()[1], limit=0.5)
    assert outcome.message.startswith("timeout: failed to connect service ")


async def test_a_server_that_does_not_answer_in_time_fails() -> None:
    """It was connected to, so the message is another one."""

    class Slow(health.HealthServicer):
        def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name of the call
            time.sleep(1.5)
            return super().Check(request, context)

    with serving(Slow()) as port:
        outcome = await checked(port, limit=1)
    message = "timeout: health rpc did not complete within 1s"
    assert outcome == Outcome(success=False, message=message)

from __future__ import annotations

import socket
from collections.abc import Iterator

import anyio
import pytest

from tcp_probe.kubelet.handlers import HttpGet, TcpSocket
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.checks import run_check

PATIENCE = 20.0


@pytest.fixture
def full_port() -> Iterator[int]:
    """Keep a port whose listen queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            yield address[1]


async def test_a_listening_port_passes(taken_port: int) -> None:
    """To connect is enough."""
    assert await run_check(TcpSocket(taken_port), PATIENCE, {}) == Outcome(success=True)


async def test_a_closed_port_is_refused(free_port: int) -> None:
    """In kubelet's words."""
    outcome = await run_check(TcpSocket(free_port), PATIENCE, {})
    message = f"dial tcp 127.0.0.1:{free_port}: connect: connection refused"
    assert outcome == Outcome(success=False, message=message)


async def test_a_full_queue_times_out(full_port: int) -> None:
    """After the timeout, in kubelet's words."""
    began = anyio.current_time()
    outcome = await run_check(TcpSocket(full_port), 0.2, {})
    assert outcome == Outcome(success=False, message=f"dial tcp 127.0.0.1:{full_port}: i/o timeout")
    # Some loops round their clock to milliseconds.
    assert 0.19 <= anyio.current_time() - began < PATIENCE


async def test_a_name_that_does_not_exist_fails() -> None:
    """A host may be named in a manifest."""
    outcome = await run_check(TcpSocket(80, "no.such.host.invalid"), PATIENCE, {})
    message = "dial tcp: lookup no.such.host.invalid: no such host"
    assert outcome == Outcome(success=False, message=message)


async def test_of_several_addresses_one_failure_is_told(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name may stand for an IPv4 and an IPv6 address, which both refuse."""

    async def both(*_: object, **__: object) -> object:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", free_port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", free_port)),
        ]
        await anyio.lowlevel.checkpoint()
        return found

    monkeypatch.setattr("anyio._core._sockets.getaddrinfo", both)
    outcome = await run_check(TcpSocket(free_port, "worker.example"), PATIENCE, {})
    message = f"dial tcp worker.example:{free_port}: connect: connection refused"
    assert outcome == Outcome(success=False, message=message)


async def test_a_page_that_does_not_come_fails(free_port: int) -> None:
    """With what kubelet wanted to get."""
    outcome = await run_check(HttpGet(free_port), PATIENCE, {})
    assert outcome.success is False
    assert outcome.message.startswith(f'Get "http://127.0.0.1:{free_port}/": dial tcp ')

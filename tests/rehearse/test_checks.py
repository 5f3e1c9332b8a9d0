from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import anyio
import pytest

from tcp_probe.kubelet.handlers import Exec, HttpGet, TcpSocket
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.checks import OUTPUT_LIMIT, run_check

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


async def test_a_command_passes_with_code_0() -> None:
    """What it prints does not matter then."""
    command = Exec(("sh", "-c", "echo fine"))
    assert await run_check(command, PATIENCE, {"PATH": "/usr/bin:/bin"}) == Outcome(success=True)


async def test_a_command_fails_with_its_output() -> None:
    """Standard output and error together, cut where kubelet stops reading."""
    command = Exec(("sh", "-c", "echo one; echo two >&2; exit 3"))
    outcome = await run_check(command, PATIENCE, {"PATH": "/usr/bin:/bin"})
    assert outcome == Outcome(success=False, message="one\ntwo\n")
    long = Exec((sys.executable, "-I", "-S", "-c", "print('x' * 99999); raise SystemExit(1)"))
    outcome = await run_check(long, PATIENCE, {})
    assert outcome.message == "x" * OUTPUT_LIMIT


async def test_a_command_that_takes_too_long_is_killed() -> None:
    """With everything that it has started, as the message says."""
    command = Exec(("sh", "-c", "sleep 100 & wait"))
    outcome = await run_check(command, 0.2, {"PATH": "/usr/bin:/bin"})
    message = 'command timed out: "sh -c sleep 100 & wait" timed out after 0.2s'
    assert outcome == Outcome(success=False, message=message)


async def test_a_command_that_does_not_exist_is_no_result() -> None:
    """Kubelet counts neither success nor failure then."""
    outcome = await run_check(Exec(("/no/such/command",)), PATIENCE, {})
    message = 'exec: "/no/such/command": no such file or directory'
    assert outcome == Outcome(success=None, message=message)


async def test_a_command_gets_the_environment_of_the_container() -> None:
    """So that it may look at the same settings."""
    command = Exec(("sh", "-c", 'test "$PORT" = 9090'))
    assert (await run_check(command, PATIENCE, {"PATH": "/usr/bin:/bin", "PORT": "9090"})).success

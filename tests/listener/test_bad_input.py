from __future__ import annotations

import errno
import os
import socket
from typing import Any

import pytest

import tcp_probe


@pytest.fixture
def anyio_backend() -> str:
    """Arguments are looked at before any event loop is."""
    return "asyncio"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"port": "9090"}, TypeError, r"port: expected an int, got '9090' \(str\)"),
        ({"port": 9090.0}, TypeError, r"port: expected an int, got 9090.0 \(float\)"),
        ({"port": True}, TypeError, r"port: expected an int, got True \(bool\)"),
        ({"port": None}, TypeError, r"port: expected an int, got None"),
        ({"port": -1}, ValueError, "port: expected 0 to 65535, got -1"),
        ({"port": 65536}, ValueError, "port: expected 0 to 65535, got 65536"),
        ({"backlog": -1}, ValueError, "backlog: expected 0 to 2147483647, got -1"),
        ({"backlog": 2**31}, ValueError, "backlog: expected 0 to 2147483647, got 2147483648"),
        ({"backlog": 1.5}, TypeError, r"backlog: expected an int, got 1.5 \(float\)"),
        ({"stall_timeout": 0}, ValueError, "stall_timeout: .* above 0, at most 1e9, got 0"),
        ({"stall_timeout": -1.5}, ValueError, "stall_timeout: .* above 0, at most 1e9, got -1.5"),
        (
            {"stall_timeout": float("nan")},
            ValueError,
            "stall_timeout: .* above 0, at most 1e9, got nan",
        ),
        (
            {"stall_timeout": float("inf")},
            ValueError,
            "stall_timeout: .* above 0, at most 1e9, got inf",
        ),
        ({"stall_timeout": 10**400}, ValueError, "stall_timeout: .* at most 1e9, got 1000"),
        ({"stall_timeout": "10"}, TypeError, r"stall_timeout: .* got '10' \(str\)"),
        ({"stall_timeout": True}, TypeError, r"stall_timeout: .* got True \(bool\)"),
        ({"interval": 0}, ValueError, "interval: .* above 0, at most 1e9, got 0"),
        ({"interval": float("nan")}, ValueError, "interval: .* above 0, at most 1e9, got nan"),
        ({"interval": None}, TypeError, r"interval: .* got None \(NoneType\)"),
        ({"condition": True}, TypeError, "condition: expected an async callable or None, got True"),
        ({"wait": 1}, TypeError, r"wait: expected a bool, got 1 \(int\)"),
        ({"host": 1}, TypeError, r"host: expected a text or None, got 1 \(int\)"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_meant(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """`serve` refuses them when it is called, and names the argument and the value."""
    with pytest.raises(error, match=message):
        tcp_probe.serve(**{"port": 0, **arguments})


async def test_port_in_use(taken_port: int) -> None:
    """A port that another socket listens on is an OSError with its errno, naming host and port."""
    with pytest.raises(OSError, match=f"host '::', port {taken_port}") as raised:
        await tcp_probe.serve(taken_port).__aenter__()
    assert raised.value.errno == errno.EADDRINUSE


async def test_port_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that only root may take is a PermissionError with its errno, naming host and port."""

    class Forbidding(socket.socket):  # root, who runs the tests in a container, may take any
        def bind(self, address: Any) -> None:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket, "socket", Forbidding)
    with pytest.raises(PermissionError, match=r"host '127\.0\.0\.1', port 80: Perm") as raised:
        await tcp_probe.serve(80, host="127.0.0.1").__aenter__()
    assert raised.value.errno == errno.EACCES


async def test_host_of_another_machine() -> None:
    """An address that is not this machine's is an OSError with its errno, naming host and port."""
    with pytest.raises(OSError, match=r"host '192\.0\.2\.1', port 9090") as raised:
        await tcp_probe.serve(9090, host="192.0.2.1").__aenter__()
    assert raised.value.errno == errno.EADDRNOTAVAIL


async def test_host_that_does_not_resolve() -> None:
    """A name without an address is the resolver's error, naming host and port."""
    with pytest.raises(socket.gaierror, match=r"host 'no.such.invalid', port 9090"):
        await tcp_probe.serve(9090, host="no.such.invalid").__aenter__()


async def test_host_that_is_no_name() -> None:
    """A text that cannot be a host name is a ValueError that shows it."""
    with pytest.raises(ValueError, match="host: expected an address, a host name or None, got 'a"):
        await tcp_probe.serve(9090, host="a" * 64 + ".invalid").__aenter__()


async def test_entered_twice() -> None:
    """One call of `serve` is entered once; after that it says to call it again."""
    serving = tcp_probe.serve(0)
    async with serving:
        with pytest.raises(RuntimeError, match="call it again"):
            await serving.__aenter__()
    with pytest.raises(RuntimeError, match="call it again"):
        await serving.__aenter__()


async def test_entered_again_after_the_port_was_in_use(taken_port: int) -> None:
    """What could not be entered has not been, so a worker may wait for its port."""
    serving = tcp_probe.serve(taken_port)
    for _ in range(2):
        with pytest.raises(OSError, match="in use"):
            await serving.__aenter__()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
async def test_watchdog_timeout_that_cannot_be_meant(timeout: float) -> None:
    """A watchdog wants a number of seconds that can be waited for."""
    async with tcp_probe.serve(0) as probe:
        with pytest.raises(ValueError, match=f"timeout: .* above 0, at most 1e9, got {timeout}"):
            probe.watchdog(timeout)


@pytest.mark.parametrize(
    ("reason", "error", "got"),
    [("", ValueError, "an empty one"), (None, TypeError, "None"), (1, TypeError, r"1 \(int\)")],
)
async def test_fail_without_a_reason(reason: Any, error: type[Exception], got: str) -> None:
    """`fail` wants a text that says why."""
    async with tcp_probe.serve(0) as probe:
        with pytest.raises(error, match=f"^reason: expected a text.*, got {got}"):
            probe.fail(reason)
        assert probe.listening


def test_outside_an_event_loop() -> None:
    """Entered where no event loop runs, `serve` says so and takes no port."""
    with pytest.raises(RuntimeError):
        tcp_probe.serve(0).__aenter__().send(None)


def test_names_that_do_not_exist() -> None:
    """The package has no names beside its own."""
    with pytest.raises(AttributeError, match="no attribute 'server'"):
        tcp_probe.server  # type: ignore[attr-defined]  # noqa: B018 (both see what is under test)


@pytest.mark.parametrize("arguments", [(), (9090,)], ids=str)
def test_what_only_the_package_makes(arguments: tuple[Any, ...]) -> None:
    """A `Probe` or `Watchdog` made by hand is an error that says where one comes from."""
    with pytest.raises(TypeError, match=r"yielded by tcp_probe\.serve\(\) or returned by .*start"):
        tcp_probe.Probe(*arguments)
    with pytest.raises(TypeError, match=r": it is returned by the watchdog\(\) of a Probe$"):
        tcp_probe.Watchdog(*arguments)

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

import tcp_probe
from tcp_probe._listener import Listener

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]


async def test_listens_inside_the_block(checked: Checked) -> None:
    """A check passes as soon as the block has been entered, with no await in between."""
    async with tcp_probe.serve(0) as probe:
        assert checked(probe.port) == "passed"
        assert probe.listening
        assert probe.reasons == ()


async def test_refuses_after_the_block(checked: Checked) -> None:
    """A check is refused once the block has been left, and the probe says why."""
    async with tcp_probe.serve(0) as probe:
        pass
    assert checked(probe.port) == "refused"
    assert not probe.listening
    assert probe.reasons == ("the worker has ended",)


async def test_refuses_the_moment_the_block_ends(checked: Checked) -> None:
    """The port refuses before anything else in the loop runs, once the block has ended."""
    seen = []
    async with anyio.create_task_group() as tasks, tcp_probe.serve(0) as probe:
        tasks.start_soon(anyio.sleep, 0)

        async def first_to_run_next() -> None:
            seen.append(checked(probe.port))

        tasks.start_soon(first_to_run_next)
    assert seen == ["refused"]


async def test_refuses_the_moment_the_scope_around_is_cancelled(
    checked: Checked, until: Until
) -> None:
    """The port refuses while a cancelled worker is still busy with its shielded cleanup."""
    with anyio.CancelScope() as scope:
        async with tcp_probe.serve(0) as probe:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await until(lambda: not probe.listening)
                assert checked(probe.port) == "refused"
                assert probe.reasons == ("the worker was cancelled",)
            await anyio.sleep_forever()
    assert probe.reasons == ("the worker was cancelled",)


async def test_counts_the_checks_it_answers(checked: Checked, until: Until) -> None:
    """`checks` grows by one with every check."""
    async with tcp_probe.serve(0) as probe:
        for _ in range(3):
            checked(probe.port)
        await until(lambda: probe.checks == 3)


async def test_closes_the_connection_with_fin(until: Until) -> None:
    """A client that waits reads the end of the stream, not a reset."""
    async with tcp_probe.serve(0) as probe:
        with socket.create_connection(("127.0.0.1", probe.port)) as client:
            await until(lambda: probe.checks == 1)
            assert client.recv(1) == b""


@pytest.mark.usefixtures("ipv6")
async def test_listens_on_every_interface_by_default(checked: Checked) -> None:
    """Without a host the port answers on IPv4 and on IPv6, as kubelet probes the pod's address."""
    async with tcp_probe.serve(0) as probe:
        assert checked(probe.port, "127.0.0.1") == "passed"
        assert checked(probe.port, "::1") == "passed"


async def test_listens_without_ipv6(monkeypatch: pytest.MonkeyPatch, checked: Checked) -> None:
    """Where IPv6 is off, every interface means IPv4."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    async with tcp_probe.serve(0) as probe:
        assert checked(probe.port, "127.0.0.1") == "passed"
        assert checked(probe.port, "::1") == "refused"


async def test_listens_on_the_host_it_is_given(checked: Checked) -> None:
    """With a host the port answers there."""
    async with tcp_probe.serve(0, host="127.0.0.1") as probe:
        assert checked(probe.port, "127.0.0.1") == "passed"


async def test_does_not_share_its_port_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, where SO_REUSEADDR would let a second process take the port, it is not set."""
    options: list[int] = []

    class Noting(socket.socket):
        def setsockopt(self, *arguments: Any) -> None:
            options.append(arguments[1])
            super().setsockopt(*arguments)

    monkeypatch.setattr(socket, "socket", Noting)
    async with tcp_probe.serve(0, host="127.0.0.1"):
        assert socket.SO_REUSEADDR in options
    options.clear()
    monkeypatch.setattr(sys, "platform", "win32")
    async with tcp_probe.serve(0, host="127.0.0.1"):
        assert socket.SO_REUSEADDR not in options


@pytest.mark.usefixtures("ipv6")
async def test_listens_on_an_ipv6_host(checked: Checked) -> None:
    """With an IPv6 address the port answers there, and not on IPv4."""
    async with tcp_probe.serve(0, host="::1") as probe:
        assert checked(probe.port, "::1") == "passed"
        assert checked(probe.port, "127.0.0.1") == "refused"


async def test_listens_on_no_other_host(checked: Checked) -> None:
    """With a host the port refuses elsewhere."""
    async with tcp_probe.serve(0, host="127.0.0.1") as probe:
        assert checked(probe.port, "127.0.0.2") == "refused"


async def test_a_name_means_ipv4_first(checked: Checked) -> None:
    """A host name with addresses of both kinds is served where a check of 127.0.0.1 goes."""
    async with tcp_probe.serve(0, host="localhost") as probe:
        assert checked(probe.port, "127.0.0.1") == "passed"


def test_a_name_whose_ipv6_address_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whichever order the system gives the addresses of a name, IPv4 is served."""
    found = [
        (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 0))
        for family, address in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
    ]
    for each in (found, found[::-1]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=each, **__: found)
        with tcp_probe.serve(0, host="localhost") as probe:
            assert probe._port.listener._address[0] == "127.0.0.1"


@pytest.mark.usefixtures("ipv6")
def test_an_ipv6_port_in_use() -> None:
    """It is the same error as on IPv4, and names the host and the port."""
    with tcp_probe.serve(0, host="::1") as probe:
        told = f"cannot listen on host '::1', port {probe.port}: "
        with pytest.raises(OSError, match=told):
            tcp_probe.start(probe.port, host="::1")


async def test_takes_the_port_it_is_given(free_port: int) -> None:
    """`port` is the port that was asked for."""
    async with tcp_probe.serve(free_port) as probe:
        assert probe.port == free_port


async def test_can_listen_again_on_the_same_port_at_once(free_port: int, checked: Checked) -> None:
    """Connections that were answered before do not keep the port from the next worker."""
    for _ in range(3):
        async with tcp_probe.serve(free_port) as probe:
            with socket.create_connection(("127.0.0.1", free_port)) as client:
                assert client.recv(0) == b""
            assert checked(probe.port) == "passed"


async def test_two_ports_are_independent(checked: Checked) -> None:
    """A liveness and a readiness port in one worker refuse each for its own reasons."""
    async with tcp_probe.serve(0) as live, tcp_probe.serve(0) as ready:
        ready.fail("draining")
        assert checked(live.port) == "passed"
        assert checked(ready.port) == "refused"


async def test_shows_what_it_is() -> None:
    """`repr` tells port, checks and state."""
    async with tcp_probe.serve(0) as probe:
        assert repr(probe) == f"<tcp_probe.Probe port={probe.port} checks=0: listening>"
        probe.fail("draining")
        assert repr(probe) == f"<tcp_probe.Probe port={probe.port} checks=0: draining>"
        probe._port.gate.refuse("x", "full")
        assert repr(probe) == f"<tcp_probe.Probe port={probe.port} checks=0: draining; full>"


@pytest.mark.parametrize("error", [None, OSError(errno.EMFILE, "Too many open files")])
def test_the_connection_that_wakes_a_thread_in_accept(
    error: OSError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made where shutting down wakes none, waits for nothing, and may fail."""
    timeouts: list[float | None] = []

    class Knocking(socket.socket):
        def connect_ex(self, address: Any) -> int:
            timeouts.append(self.gettimeout())
            if error is not None:
                raise error
            return super().connect_ex(address)

    listener = Listener("127.0.0.1", 0, 1)
    monkeypatch.setattr(socket, "socket", Knocking)
    listener.knock()
    assert timeouts == []
    listener._ready_to_listen = False
    listener.knock()
    assert timeouts == [0]
    listener.close()

"""`wait=True`: workers that overlap for a while, as at a reload, have one port between them."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

import tcp_probe
from tcp_probe import _waiting

Checked = Callable[..., str]
Lines = Callable[[], list[str]]
Soon = Callable[..., None]
Until = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try more often than each second."""
    monkeypatch.setattr(_waiting, "_PAUSE", 0.05)


async def test_takes_the_port_when_it_is_free(checked: Checked, lines: Lines, until: Until) -> None:
    """The worker begins at once; the port follows when the one before has let go, told once."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        waiting = tcp_probe.serve(port, host="127.0.0.1", wait=True)
        probe = await waiting.__aenter__()
        assert probe.port == port
        assert not probe.listening
        await anyio.sleep(0.2)
        assert probe.reasons == ("another process listens on the port",)
    # `listening` may be true a moment before the port is.
    await until(lambda: checked(port) == "passed")
    await until(lambda: probe.checks == 1)
    await waiting.__aexit__(None, None, None)
    assert lines() == [
        f"WARNING port {port} is in use, and is tried again every 0.05 s until it is free",
        f"INFO port {port} answers checks",
        f"INFO port {port} refuses checks: the worker has ended",
    ]


def test_the_same_without_an_event_loop(checked: Checked, soon: Soon) -> None:
    """`start` and a plain `with` wait as well, and begin at once."""
    before = tcp_probe.start(0, host="127.0.0.1")
    with tcp_probe.serve(before.port, host="127.0.0.1", wait=True) as probe:
        probe.fail("draining")
        probe.recover()
        assert not probe.listening
        assert probe.refusals == 0
        before.close()
        soon(lambda: checked(probe.port) == "passed")
        assert not probe._port.timers.running
        soon(lambda: probe.checks == 1)


async def test_ends_while_it_waits(taken_port: int) -> None:
    """A worker that ends before the port was free takes it no more."""
    async with tcp_probe.serve(taken_port, wait=True) as probe:
        await anyio.sleep(0.1)
        timer = next(
            each for each in probe._port.timers.running if isinstance(each, _waiting.WaitForPort)
        )
    assert "the worker has ended" in probe.reasons
    timer.due()
    assert not probe._port.listener.is_bound


async def test_left_while_it_waits_its_end_is_told_once(lines: Lines, taken_port: int) -> None:
    """With a condition too the log has the wait and the end, and no refusal in between."""
    answered = anyio.Event()

    async def condition() -> bool:
        answered.set()
        return True

    async with tcp_probe.serve(taken_port, wait=True, condition=condition) as probe:
        await answered.wait()
        await anyio.wait_all_tasks_blocked()
        assert probe.reasons == ("another process listens on the port",)
    assert "the worker has ended" in probe.reasons
    assert lines() == [
        f"WARNING port {taken_port} is in use, and is tried again every 0.05 s until it is free",
        f"INFO port {taken_port} refuses checks: {'; '.join(probe.reasons)}",
    ]


async def test_a_condition_that_is_not_answered_yet_is_no_warning(
    lines: Lines, until: Until
) -> None:
    """A port that becomes free before the first answer waits for that in silence."""
    answer = anyio.Event()

    async def condition() -> bool:
        await answer.wait()
        return True

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        waiting = tcp_probe.serve(port, host="127.0.0.1", wait=True, condition=condition)
        probe = await waiting.__aenter__()
    await until(lambda: probe.reasons == ("the condition has not been answered yet",))
    answer.set()
    await until(lambda: probe.listening)
    await waiting.__aexit__(None, None, None)
    assert [line.split(" ", 3)[3] for line in lines()] == [
        "is in use, and is tried again every 0.05 s until it is free",
        "answers checks",
        "refuses checks: the worker has ended",
    ]


async def test_without_it_a_port_in_use_is_an_error(taken_port: int) -> None:
    """By default a port that is in use is told by an OSError."""
    with pytest.raises(OSError, match="in use"):
        tcp_probe.start(taken_port, wait=False)


async def test_what_is_no_wait(monkeypatch: pytest.MonkeyPatch, taken_port: int) -> None:
    """Another error than a port in use is raised at once."""

    class Forbidding(socket.socket):
        def bind(self, address: Any) -> None:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket, "socket", Forbidding)
    with pytest.raises(PermissionError):
        tcp_probe.start(taken_port, wait=True)


async def test_an_error_while_it_waits(
    monkeypatch: pytest.MonkeyPatch, taken_port: int, until: Until
) -> None:
    """Another error than a port in use, while it waits, is a broken probe that says so."""
    errors = [errno.EADDRINUSE]
    tried = threading.Event()

    class Odd(socket.socket):
        def bind(self, address: Any) -> None:
            tried.set()
            raise OSError(errors[0], os.strerror(errors[0]))

    monkeypatch.setattr(socket, "socket", Odd)
    async with tcp_probe.serve(taken_port, wait=True) as probe:
        errors[0] = errno.EACCES
        await until(lambda: any("the probe itself broke" in reason for reason in probe.reasons))

"""A signal handler that raises, made to strike at one place: what was begun comes to its end."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import tcp_probe
from tcp_probe import _condition, _in_loop
from tcp_probe._listener import Listener
from tcp_probe._port import Port

Checked = Callable[..., str]
Lines = Callable[[], list[str]]


class Strike(BaseException):
    """What the handler raises."""


def once(method: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """Make a method that raises the first time, before it has done anything."""
    errors = [error]

    def struck(*arguments: Any, **options: Any) -> Any:
        if errors:
            raise errors.pop()
        return method(*arguments, **options)

    return struck


@pytest.fixture
def port() -> Iterator[Port]:
    """Take a port that nobody accepts on."""
    port = Port(Listener("127.0.0.1", 0, 1), None)
    yield port
    port.listener.close()


def test_as_the_end_begins_to_refuse(
    port: Port, monkeypatch: pytest.MonkeyPatch, checked: Checked, lines: Lines
) -> None:
    """The port refuses all the same, which is no warning, and no timer runs any more."""
    port.open()
    monkeypatch.setattr(port.gate, "refuse", once(port.gate.refuse, Strike()))
    with pytest.raises(Strike):
        port.end("the worker has ended")
    assert checked(port.listener.port) == "refused"
    assert port.gate.reasons == ("the worker has ended",)
    assert port.timers._closed
    number = port.listener.port
    assert lines()[-1] == f"INFO port {number} refuses checks: the worker has ended"


def test_when_the_end_has_just_refused(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made sure of, but there is still one reason."""
    port.open()
    refuse = port.gate.refuse

    def struck(*arguments: Any, **options: Any) -> None:
        monkeypatch.undo()
        refuse(*arguments, **options)
        raise Strike

    monkeypatch.setattr(port.gate, "refuse", struck)
    with pytest.raises(Strike):
        port.end("the worker has ended")
    assert port.gate.reasons == ("the worker has ended",)


def test_what_goes_on_where_a_worker_could_not_begin(port: Port, lines: Lines) -> None:
    """What still takes its reason back does not make the port listen, and nothing is told."""
    port.gate.hold("condition", "the condition has not been answered yet")
    port.abandon()
    port.gate.withdraw("condition")
    assert not port.gate.listening
    assert lines() == []


def test_as_a_reason_is_taken_back(
    port: Port, monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """The port listens all the same."""
    port.gate.refuse("x", "a reason")
    struck = once(port.gate._obey_and_announce, Strike())
    monkeypatch.setattr(port.gate, "_obey_and_announce", struck)
    with pytest.raises(Strike):
        port.gate.withdraw("x")
    assert checked(port.listener.port) == "passed"


def test_as_the_port_begins_to_listen(
    port: Port, monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """An OSError of a handler's own, which has no errno, is not taken for one of the system."""
    monkeypatch.setattr(port.listener, "listen", once(port.listener.listen, TimeoutError()))
    with pytest.raises(TimeoutError):
        port.open()
    assert port.gate.reasons == ()
    assert checked(port.listener.port) == "passed"


def test_a_handler_that_refuses_while_the_port_begins_to_listen(
    port: Port, monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """What was struck sees the new reason, and refuses."""
    listen = port.listener.listen

    def struck() -> None:
        port.gate.refuse("handler", "a reason")
        listen()

    monkeypatch.setattr(port.listener, "listen", struck)
    port.open()
    assert port.gate.reasons == ("a reason",)
    assert checked(port.listener.port) == "refused"


def test_as_the_port_begins_to_refuse(monkeypatch: pytest.MonkeyPatch, checked: Checked) -> None:
    """It is told, and is not taken for a system that cannot shut a listening socket down."""

    class Struck(socket.socket):
        errors: tuple[OSError, ...] = (TimeoutError(),)

        def shutdown(self, how: int) -> None:
            errors, Struck.errors = Struck.errors, ()
            for error in errors:
                raise error
            super().shutdown(how)

    monkeypatch.setattr(socket, "socket", Struck)
    listener = Listener("127.0.0.1", 0, 1)
    listener.listen()
    with pytest.raises(TimeoutError):
        listener.refuse()
    listener.refuse()
    assert checked(listener.port) == "refused"
    listener.listen()
    assert checked(listener.port) == "passed"
    listener.close()


def test_a_port_of_the_kernels_choice_that_cannot_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """The first socket serves, and is closed and opened again where it would be shut down."""

    class Once(socket.socket):
        binds = 0

        def bind(self, address: Any) -> None:
            Once.binds += 1
            if Once.binds == 2:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Once)
    listener = Listener("127.0.0.1", 0, 1)
    listener.listen()
    assert checked(listener.port) == "passed"
    listener.close()
    assert checked(listener.port) == "refused"


async def test_as_the_port_is_opened(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port refuses, no task is left, and what the handler raises comes as it is."""
    opened = []
    was = Port.open

    def struck(port: Port) -> None:
        was(port)
        opened.append(port.listener.port)
        raise Strike

    monkeypatch.setattr(Port, "open", struck)
    before = len(anyio.get_running_tasks())
    with pytest.raises(Strike):
        async with tcp_probe.serve(0, condition=anyio.lowlevel.checkpoint):
            pytest.fail("the block must not begin")
    assert len(anyio.get_running_tasks()) == before
    assert checked(*opened) == "refused"
    monkeypatch.undo()
    async with tcp_probe.serve(*opened) as probe:
        assert checked(probe.port) == "passed"


async def test_a_change_after_the_event_loop_has_ended(
    monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """There is no loop to follow it, and so it is none of the worker's errors; the port refuses."""

    def closed(_: object) -> Callable[..., None]:
        def call_soon(_: object) -> None:
            raise RuntimeError("Event loop is closed")

        return call_soon

    monkeypatch.setattr(_in_loop, "call_soon", closed)
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        assert checked(probe.port) == "passed"
        probe.fail("draining")
        assert checked(probe.port) == "refused"


async def test_an_interrupt_of_what_runs_beside_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """^C, which on trio strikes whatever runs, ends the worker, by itself and not in a group."""

    async def ask(*_: object) -> None:
        raise KeyboardInterrupt

    async def condition() -> bool:
        return True

    monkeypatch.setattr(_condition, "ask", ask)
    interrupted = False
    try:
        async with tcp_probe.serve(0, condition=condition):
            await anyio.sleep_forever()
    except KeyboardInterrupt:
        interrupted = True
    assert interrupted

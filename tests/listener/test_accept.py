from __future__ import annotations

import asyncio
import errno
import os
import selectors
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import tcp_probe
from tcp_probe import _acceptor, _loop_acceptors

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]


class Failing(socket.socket):
    """A socket whose accept raises `error`, while there is one."""

    error: Exception | None = None
    accepts = 0

    def _accept(self) -> tuple[int, Any]:
        Failing.accepts += 1
        if Failing.error is not None:
            raise Failing.error
        return super()._accept()  # type: ignore[misc, no-any-return]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Failing]]:
    """Make every new socket one whose accept can be made to fail."""
    monkeypatch.setattr(socket, "socket", Failing)
    Failing.error, Failing.accepts = None, 0
    yield Failing
    Failing.error = None


@pytest.mark.parametrize(
    "error",
    [OSError(number, os.strerror(number)) for number in (errno.EMFILE, errno.ENFILE)]
    + [OSError(errno.ENOMEM, "x"), OSError(errno.ENOBUFS, "x"), ConnectionAbortedError(), OSError()]
    + [BlockingIOError(), MemoryError(), RuntimeError("unheard of")],
    ids=lambda error: type(error).__name__ + str(error.args[:1]),
)
async def test_survives_whatever_accept_raises(
    error: Exception, failing: type[Failing], checked: Checked, until: Until
) -> None:
    """An error of accept ends nothing, is tried again without spinning, and heals by itself."""
    async with tcp_probe.serve(0) as probe:
        failing.error = error
        assert checked(probe.port) == "passed"
        await until(lambda: failing.accepts >= 2)
        assert failing.accepts < 20, "the loop spins"
        failing.error = None
        await until(lambda: probe.checks == 1)
        assert probe.listening


async def test_repeated_errors_are_one_line(
    failing: type[Failing], lines: Callable[[], list[str]], checked: Checked, until: Until
) -> None:
    """An episode of errors is told once, with what was raised and how often it is tried again."""
    async with tcp_probe.serve(0) as probe:
        failing.error = OSError(errno.EMFILE, "Too many open files")
        checked(probe.port)
        await until(lambda: failing.accepts >= 3)
        told = [line for line in lines() if "cannot accept" in line]
        what = "cannot accept checks, and tries again every 0.1 s"
        assert told == [f"WARNING port {probe.port} {what}: [Errno 24] Too many open files"]


async def test_an_event_without_a_connection_is_not_told(
    failing: type[Failing], lines: Callable[[], list[str]], checked: Checked, until: Until
) -> None:
    """That accept finds nothing, as after a stall, is no error worth a line."""
    async with tcp_probe.serve(0) as probe:
        failing.error = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        checked(probe.port)
        await until(lambda: failing.accepts >= 2)
        assert len(lines()) == 1


async def test_a_connection_that_a_refusal_resets_before_it_is_accepted(
    checked: Checked, until: Until
) -> None:
    """An event whose connection is gone by then does not hold the loop up until the next check."""
    over = threading.Event()
    held_up: list[bool] = []

    def let_go() -> None:
        if not over.wait(5):
            held_up.append(True)
            tcp_probe.check(probe.port)

    async with tcp_probe.serve(0) as probe:
        watching = threading.Thread(target=let_go)
        watching.start()
        for _ in range(5):  # on trio the order of the two is random
            checked(probe.port)
            await anyio.lowlevel.checkpoint()
            probe.fail("draining")
            probe.recover()
            await anyio.lowlevel.checkpoint()
        over.set()
        watching.join()
        before = probe.checks
        assert checked(probe.port) == "passed"
        await until(lambda: probe.checks > before)
    assert not held_up


async def test_the_end_while_accept_fails(failing: type[Failing], checked: Checked) -> None:
    """A worker that ends between two tries to accept ends at once, and so does the port."""
    failing.error = OSError(errno.EMFILE, "Too many open files")
    async with tcp_probe.serve(0) as probe:
        checked(probe.port)
        await anyio.sleep(0.02)
    assert checked(probe.port) == "refused"
    await anyio.sleep(2 * _acceptor.PAUSE)


async def test_a_refusal_while_accept_fails(
    failing: type[Failing], checked: Checked, until: Until
) -> None:
    """A port that refuses between two tries to accept answers when the reason has gone."""
    async with tcp_probe.serve(0) as probe:
        failing.error = OSError(errno.EMFILE, "Too many open files")
        checked(probe.port)
        await until(lambda: failing.accepts >= 1)
        probe.fail("draining")
        failing.error = None
        await anyio.sleep(2 * _acceptor.PAUSE)
        assert checked(probe.port) == "refused"
        probe.recover()
        assert checked(probe.port) == "passed"
        await until(lambda: probe.checks == 1)


async def test_accepts_at_most_one_a_turn(failing: type[Failing], checked: Checked) -> None:
    """Under a flood the worker keeps its turns: between two of them at most one accept happens."""
    async with tcp_probe.serve(0, backlog=100) as probe:
        for _ in range(50):
            checked(probe.port)
        turns = 0
        before = failing.accepts
        while probe.checks < 50:
            await anyio.lowlevel.checkpoint()
            turns += 1
            assert failing.accepts - before <= turns + 1


async def test_garbage_and_resets_are_no_checks_less(checked: Checked, until: Until) -> None:
    """Clients that send, hold or reset cost nothing but their own connection."""
    async with tcp_probe.serve(0, backlog=5) as probe:
        holding = socket.create_connection(("127.0.0.1", probe.port))
        with socket.create_connection(("127.0.0.1", probe.port)) as asking:
            asking.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        with socket.create_connection(("127.0.0.1", probe.port)) as resetting:
            resetting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert checked(probe.port) == "passed"
        await until(lambda: probe.checks >= 3)
        holding.close()


@pytest.fixture
def unshuttable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make shutdown of a listening socket fail, as it does on macOS and Windows."""

    class Unshuttable(socket.socket):
        def shutdown(self, how: int) -> None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(socket, "socket", Unshuttable)


@pytest.mark.usefixtures("unshuttable")
async def test_where_a_listening_socket_cannot_be_shut_down(checked: Checked, until: Until) -> None:
    """Then the event loop closes it at its next turn, and binds the same port to listen again."""
    async with tcp_probe.serve(0) as probe:
        for count in range(1, 4):
            probe.fail("draining")
            await until(lambda: checked(probe.port) == "refused")
            probe.recover()
            await until(lambda: checked(probe.port) == "passed")
            await until(lambda least: probe.checks >= least, count)
    assert checked(probe.port) == "refused"


@pytest.mark.usefixtures("unshuttable")
async def test_a_change_of_mind_before_the_loop_has_followed(
    checked: Checked, until: Until
) -> None:
    """There too a `recover` right after a `fail` leaves a port that listens."""
    async with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        probe.recover()
        await anyio.sleep(0.01)
        assert checked(probe.port) == "passed"
        await until(lambda: probe.checks == 1)


@pytest.mark.usefixtures("unshuttable")
async def test_a_port_that_was_taken_meanwhile(
    until: Until, lines: Callable[[], list[str]]
) -> None:
    """There, where refusing gives the port up, another may take it: then the probe is broken."""
    async with tcp_probe.serve(0, host="127.0.0.1") as probe:
        probe.fail("draining")
        await until(lambda: probe._port.listener.socket.fileno() == -1)
        with socket.create_server(("127.0.0.1", probe.port)):
            probe.recover()
            await until(lambda: not probe.listening)
        assert "in use" in probe.reasons[0]
        assert lines()[-1].startswith("ERROR")


async def test_a_port_that_refuses_is_not_given_away(checked: Checked) -> None:
    """No other process can take the port while it refuses, and so it can listen again."""
    async with tcp_probe.serve(0, host="127.0.0.1") as probe:
        probe.fail("draining")
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", probe.port))
        probe.recover()
        assert checked(probe.port) == "passed"


async def test_a_port_that_cannot_listen_again(
    monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]], checked: Checked
) -> None:
    """Where the system refuses to listen the probe is broken and says so; the worker goes on."""

    class Deaf(socket.socket):
        allowed = 1

        def listen(self, *arguments: int) -> None:
            if not Deaf.allowed:
                raise OSError(errno.EADDRINUSE, "Address already in use")
            Deaf.allowed -= 1
            super().listen(*arguments)

    monkeypatch.setattr(socket, "socket", Deaf)
    async with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        probe.recover()
        assert probe.reasons == ("the port cannot listen again: [Errno 98] Address already in use",)
        assert checked(probe.port) == "refused"
        assert lines()[2] == f"ERROR port {probe.port} refuses checks: {probe.reasons[0]}"


async def test_a_port_that_does_not_listen_yet_is_not_given_away() -> None:
    """A port whose condition has not been answered yet is in use for everybody else."""
    async with tcp_probe.serve(0, condition=anyio.sleep_forever) as probe:
        with pytest.raises(OSError, match="in use"):
            await tcp_probe.serve(probe.port).__aenter__()


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop without `add_reader`, as Windows' Proactor is."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:  # type: ignore[override]
        raise NotImplementedError

    def remove_reader(self, fd: Any) -> bool:
        raise NotImplementedError


def test_a_loop_without_add_reader(
    checked: Checked, until: Until, lines: Callable[[], list[str]]
) -> None:
    """A loop without `add_reader` answers, refuses and recovers like any other."""

    async def worker() -> None:
        async with tcp_probe.serve(0) as probe:
            for count in range(1, 4):
                assert checked(probe.port) == "passed"
                await until(lambda least: probe.checks >= least, count)
                probe.fail("draining")
                assert checked(probe.port) == "refused"
                probe.recover()
        assert checked(probe.port) == "refused"

    anyio.run(worker, backend_options={"loop_factory": WithoutReaders})
    assert not any("cannot accept" in line for line in lines())


async def test_machinery_that_breaks_refuses(
    monkeypatch: pytest.MonkeyPatch,
    lines: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
    checked: Checked,
    until: Until,
) -> None:
    """A bug of the listener refuses checks, logs its traceback, and leaves the worker alone."""

    def broken(*_: object) -> None:
        raise RuntimeError("bug")

    async with tcp_probe.serve(0) as probe:
        for subclass in (_loop_acceptors.ReaderAcceptor, _loop_acceptors.TaskAcceptor):
            monkeypatch.setattr(subclass, "_attach", broken)
        probe.fail("draining")
        await anyio.sleep(0.01)
        probe.recover()
        await until(lambda: not probe.listening)
        assert probe.reasons == ("the probe itself broke: RuntimeError('bug')",)
        assert checked(probe.port) == "refused"
    assert any(line.startswith("ERROR port") for line in lines())
    assert "RuntimeError: bug" in caplog.text

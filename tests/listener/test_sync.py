"""The same port for a worker without an event loop: `with tcp_probe.serve(...)`."""

from __future__ import annotations

import errno
import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import tcp_probe
from tcp_probe import _acceptor, _in_order

Checked = Callable[..., str]
Lines = Callable[[], list[str]]
Soon = Callable[..., None]


def test_listens_inside_the_block(checked: Checked, soon: Soon) -> None:
    """Checks pass and are closed again inside the block, and are refused after it."""
    with tcp_probe.serve(0) as probe:
        for count in range(1, 4):
            assert checked(probe.port) == "passed"
            soon(lambda least: probe.checks >= least, count)
        with socket.create_connection(("127.0.0.1", probe.port)) as client:
            assert client.recv(1) == b""
    assert checked(probe.port) == "refused"
    assert probe.reasons == ("the worker has ended",)


@pytest.mark.parametrize("error", [ValueError("worker"), SystemExit(3), KeyboardInterrupt()])
def test_the_workers_exception_passes(error: BaseException, checked: Checked, lines: Lines) -> None:
    """What the worker raises arrives as the same object, and is in the reason."""
    with pytest.raises(type(error)) as raised, tcp_probe.serve(0) as probe:
        raise error
    assert raised.value is error
    assert checked(probe.port) == "refused"
    assert probe.reasons == (f"the worker ended with {error!r}",)
    level = "WARNING" if isinstance(error, Exception) else "INFO"
    assert lines()[-1].startswith(f"{level} port")


def test_its_own_verdict(checked: Checked, soon: Soon) -> None:
    """`fail` refuses at once, `recover` answers again, and checks are closed again after it."""
    with tcp_probe.serve(0, backlog=1) as probe:
        for _ in range(5):
            probe.fail("draining")
            assert checked(probe.port) == "refused"
            probe.recover()
            before = probe.checks
            for count in range(1, 4):
                assert checked(probe.port) == "passed"
                soon(lambda least: probe.checks >= least, before + count)


def test_a_quick_change_is_no_error(checked: Checked, lines: Lines, soon: Soon) -> None:
    """A port that refuses and listens again before the thread has looked goes on accepting."""
    with tcp_probe.serve(0) as probe:
        for _ in range(200):
            probe.fail("x")
            probe.recover()
        assert checked(probe.port) == "passed"
        soon(lambda: probe.checks == 1)
    assert not any("cannot accept" in line for line in lines())


def test_only_a_watchdog_sees_it_stuck(checked: Checked, lines: Lines, soon: Soon) -> None:
    """A watchdog of the worker's thread makes the port refuse, and shows that thread's stack."""

    def a_synchronous_call() -> None:
        soon(lambda: any("watchdog" in line for line in lines()))

    with tcp_probe.serve(0) as probe, probe.watchdog(0.3) as watchdog:
        a_synchronous_call()
        assert checked(probe.port) == "refused"

        def passes_after_a_reset() -> bool:
            watchdog.reset()
            return checked(probe.port) == "passed"

        soon(passes_after_a_reset)
    assert "the thread stands at" in lines()[1]
    assert "in a_synchronous_call" in lines()[1]


def test_a_condition_is_refused() -> None:
    """Nobody could ask it: a TypeError that says where it belongs, and no port is taken."""

    async def condition() -> bool:
        return True

    with (
        pytest.raises(TypeError, match=r"condition: expected None, got .* `async with`"),
        tcp_probe.serve(0, condition=condition),
    ):
        pytest.fail("it must not begin")


def test_entered_twice() -> None:
    """One call of `serve` is entered once; after that it says to call it again."""
    serving = tcp_probe.serve(0)
    with serving, pytest.raises(RuntimeError, match="call it again"):
        serving.__enter__()


def test_port_in_use(taken_port: int) -> None:
    """A port that is in use is an OSError when entered; to leave what was not entered is none."""
    serving = tcp_probe.serve(taken_port)
    with pytest.raises(OSError, match="in use"):
        serving.__enter__()
    serving.__exit__(None, None, None)


def test_the_same_port_at_once_again(free_port: int, checked: Checked) -> None:
    """When the block has been left the port is free for the next."""
    for _ in range(5):
        with tcp_probe.serve(free_port):
            assert checked(free_port) == "passed"


def test_no_thread_stays() -> None:
    """The threads end with the block."""
    # One of an earlier test may still be on its way to its end.
    before = threading.enumerate()
    with tcp_probe.serve(0) as probe, probe.watchdog(3600):
        mine = [each for each in threading.enumerate() if each not in before]
        assert [each.name for each in mine] == ["tcp_probe"] * 2
    for each in mine:
        each.join(20)
        assert not each.is_alive()


def test_a_thread_that_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, free_port: int, checked: Checked
) -> None:
    """Where the process may not have one thread more it cannot begin, and takes no port."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_in_order.OwnThread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        tcp_probe.serve(free_port).__enter__()
    assert checked(free_port) == "refused"
    monkeypatch.undo()
    with tcp_probe.serve(free_port):
        assert checked(free_port) == "passed"


class Failing(socket.socket):
    """A socket whose accept raises `error`, while there is one."""

    error: BaseException | None = None
    accepts = 0

    def _accept(self) -> tuple[int, Any]:
        accepted: tuple[int, Any] = super()._accept()  # type: ignore[misc]
        Failing.accepts += 1
        if Failing.error is not None:
            os.close(accepted[0])
            raise Failing.error
        return accepted


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Failing]]:
    """Make every new socket one whose accept can be made to fail."""
    monkeypatch.setattr(socket, "socket", Failing)
    Failing.error, Failing.accepts = None, 0
    yield Failing
    Failing.error = None


def test_survives_what_accept_raises(
    failing: type[Failing], checked: Checked, lines: Lines, soon: Soon
) -> None:
    """An error of accept ends nothing, is told once, and heals by itself."""
    with tcp_probe.serve(0) as probe:
        failing.error = OSError(errno.EMFILE, "Too many open files")
        for count in range(1, 4):
            assert checked(probe.port) == "passed"
            soon(lambda least: failing.accepts >= least, count)
        failing.error = None
        checked(probe.port)
        soon(lambda: probe.checks == 1)
        soon(lambda: any("cannot accept" in line for line in lines()))
        (told,) = [line for line in lines() if "cannot accept" in line]
        assert told.endswith(": [Errno 24] Too many open files")


def test_an_end_does_not_wait_for_an_accept_that_hangs(
    monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """The worker's end gives the thread that accepts a moment, and no more."""
    hangs, free = threading.Event(), threading.Event()
    threads = []

    def hang(_: object) -> None:
        threads.append(threading.current_thread())
        hangs.set()
        free.wait(20)

    monkeypatch.setattr(_acceptor, "_PATIENCE", 0.1)
    monkeypatch.setattr(_acceptor.ThreadAcceptor, "_accept", hang)
    with tcp_probe.serve(0) as probe:
        assert hangs.wait(20)
    assert threads[0].is_alive()
    assert checked(probe.port) == "refused"
    free.set()


def test_the_garbage_collector_may_end_a_port_in_the_thread_that_accepts(
    monkeypatch: pytest.MonkeyPatch, checked: Checked, soon: Soon
) -> None:
    """A forgotten generator that holds a port may be ended there: it closes the port, no more."""
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    is_garbage = threading.Event()

    def worker() -> Iterator[int]:
        with tcp_probe.serve(0) as probe:
            yield probe.port

    def collect(*_: object) -> None:
        if is_garbage.is_set():
            is_garbage.clear()
            gc.collect()

    gc.disable()  # so that no other thread comes first
    try:
        threading.setprofile(collect)
        forgotten: list[object] = [worker()]
        port = next(forgotten[0])  # type: ignore[call-overload]
        threading.setprofile(None)
        forgotten.append(forgotten)
        del forgotten
        is_garbage.set()
        soon(lambda: checked(port) == "refused")  # the first check wakes that thread
    finally:
        gc.enable()
    assert not is_garbage.is_set()
    assert raised == []


def test_the_thread_sleeps_until_there_is_a_check(
    monkeypatch: pytest.MonkeyPatch, checked: Checked, soon: Soon
) -> None:
    """It waits in accept, which is called once for each check, and no time goes by in between."""
    calls = []

    class Counting(socket.socket):
        def _accept(self) -> tuple[int, Any]:
            calls.append(self)
            return super()._accept()  # type: ignore[misc, no-any-return]

    monkeypatch.setattr(socket, "socket", Counting)
    with tcp_probe.serve(0) as probe:
        for count in range(1, 6):
            soon(lambda: calls)
            assert checked(probe.port) == "passed"
            soon(lambda least: probe.checks >= least, count)
        assert len(calls) <= 6


def test_machinery_that_breaks_refuses(
    failing: type[Failing], checked: Checked, soon: Soon, lines: Lines
) -> None:
    """What ends the thread that accepts makes the port refuse, and is told as an error."""
    with tcp_probe.serve(0) as probe:
        failing.error = SystemExit(1)
        checked(probe.port)
        soon(lambda: probe.reasons == ("the probe itself broke: SystemExit(1)",))
        soon(lambda: any(line.startswith("ERROR") for line in lines()))
        assert checked(probe.port) == "refused"


def test_a_socket_without_the_private_accept(
    monkeypatch: pytest.MonkeyPatch, checked: Checked, soon: Soon
) -> None:
    """Where Python has no `_accept`, or gevent's does not wait, `accept` does the same."""

    class Plain(socket.socket):
        def _accept(self) -> tuple[int, Any]:
            raise AttributeError

        def accept(self) -> tuple[socket.socket, Any]:
            descriptor, address = super()._accept()  # type: ignore[misc]
            return socket.socket(fileno=descriptor), address

    monkeypatch.setattr(socket, "socket", Plain)
    with tcp_probe.serve(0) as probe:
        assert checked(probe.port) == "passed"
        soon(lambda: probe.checks == 1)


def test_where_a_listening_socket_cannot_be_shut_down(
    monkeypatch: pytest.MonkeyPatch, checked: Checked, soon: Soon
) -> None:
    """There the thread is woken by a connection of our own, and closes the socket."""

    class Unshuttable(socket.socket):
        def shutdown(self, how: int) -> None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(socket, "socket", Unshuttable)
    with tcp_probe.serve(0) as probe:
        for _ in range(3):
            probe.fail("draining")
            soon(lambda: checked(probe.port) == "refused")
            probe.recover()
            soon(lambda: checked(probe.port) == "passed")
    assert checked(probe.port) == "refused"


def test_inside_an_event_loop_it_is_watched(anyio_backend: Any, soon: Soon) -> None:
    """A plain `with` in a coroutine watches the loop that runs there, as `async with` does."""
    import anyio

    async def worker() -> None:
        with tcp_probe.serve(0, stall_timeout=0.1) as probe:
            soon(lambda: probe.reasons == ("the event loop has not run for 0.1 s",))
            with anyio.fail_after(20):
                while not probe.listening:
                    await anyio.sleep(0.01)

    backend, options = anyio_backend
    anyio.run(worker, backend=backend, backend_options=options)


def test_a_block_that_is_open_as_the_interpreter_ends() -> None:
    """A generator that nobody closed ends it then, without a word on stderr."""
    code = """
import tcp_probe
def jobs():
    with tcp_probe.serve(0):
        yield
left = jobs()
next(left)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""


@pytest.mark.parametrize("library", ["asyncio", "trio.lowlevel"])
def test_a_library_that_another_thread_is_just_loading(
    library: str, monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """A module of an event loop that is there, but has nothing in it yet, is no event loop."""
    monkeypatch.setitem(sys.modules, library, ModuleType(library))
    with tcp_probe.serve(0) as probe, probe.watchdog(60):
        assert checked(probe.port) == "passed"


def test_loads_no_event_loop() -> None:
    """The sync form, a watchdog and a check need neither anyio nor asyncio."""
    code = """
import sys, tcp_probe
with tcp_probe.serve(0) as probe, probe.watchdog(60):
    tcp_probe.check(probe.port)
probe = tcp_probe.start(0)
probe.close()
print(*({"anyio", "asyncio", "trio", "sniffio"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []

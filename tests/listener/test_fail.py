from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
import pytest

import tcp_probe

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]


async def test_fail_refuses_with_its_reason(checked: Checked) -> None:
    """After `fail` checks are refused, and the reason is the one that was given."""
    async with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        assert checked(probe.port) == "refused"
        assert not probe.listening
        assert probe.reasons == ("draining",)


async def test_recover_answers_again(checked: Checked) -> None:
    """After `recover` checks pass, on the same port, also one that the kernel picked."""
    async with tcp_probe.serve(0) as probe:
        port = probe.port
        for _ in range(3):
            probe.fail("draining")
            assert checked(port) == "refused"
            probe.recover()
            assert checked(port) == "passed"
        assert probe.port == port
        assert probe.refusals == 3


async def test_checks_are_closed_again_after_recover(checked: Checked, until: Until) -> None:
    """The loop accepts again after `recover`, and does not only let the queue fill."""
    async with tcp_probe.serve(0, backlog=1) as probe:
        probe.fail("draining")
        await anyio.sleep(0.01)
        probe.recover()
        for count in range(1, 10):
            assert checked(probe.port) == "passed"
            await until(lambda least: probe.checks >= least, count)


async def test_a_second_fail_replaces_the_reason() -> None:
    """The last `fail` tells the reason, and one `recover` takes it back."""
    async with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        probe.fail("disk full")
        assert probe.reasons == ("disk full",)
        probe.recover()
        assert probe.listening


async def test_recover_without_fail_does_nothing() -> None:
    """`recover` on a port that listens leaves it as it is."""
    async with tcp_probe.serve(0) as probe:
        probe.recover()
        assert probe.listening
        assert probe.refusals == 0


async def test_recover_leaves_other_reasons() -> None:
    """The port listens again only when nothing else stands against it."""
    async with tcp_probe.serve(0) as probe:
        probe.fail("draining")
        with probe.watchdog(0.001):
            await anyio.to_thread.run_sync(_wait_for, lambda: len(probe.reasons) == 2)
            probe.recover()
            assert not probe.listening


async def test_after_the_end_nothing_listens_again(checked: Checked) -> None:
    """`fail`, `recover` and watchdogs after the block change nothing."""
    async with tcp_probe.serve(0) as probe:
        pass
    probe.fail("late")
    probe.recover()
    with probe.watchdog(0.001) as watchdog:
        watchdog.reset()
    assert checked(probe.port) == "refused"
    assert probe.reasons == ("the worker has ended",)


async def test_fail_from_another_thread(checked: Checked) -> None:
    """`fail` and `recover` work at once from any thread."""
    async with tcp_probe.serve(0) as probe:
        await anyio.to_thread.run_sync(probe.fail, "from a thread")
        assert checked(probe.port) == "refused"
        await anyio.to_thread.run_sync(probe.recover)
        assert checked(probe.port) == "passed"


async def test_fail_from_a_signal_handler(checked: Checked) -> None:
    """`fail` works in a handler of the signal module, wherever the worker is struck."""
    if threading.current_thread() is not threading.main_thread():
        pytest.fail("a signal handler runs in the main thread, where this test must be")
    async with tcp_probe.serve(0) as probe:
        before = signal.signal(signal.SIGUSR1, lambda *_: probe.fail("SIGUSR1"))
        try:
            signal.raise_signal(signal.SIGUSR1)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert checked(probe.port) == "refused"


async def test_threads_that_disagree_leave_a_port_that_goes_by_its_reasons(
    checked: Checked,
) -> None:
    """However many threads fail and recover at once, the port does what the last reason says."""
    async with tcp_probe.serve(0) as probe:

        def flip() -> None:
            for _ in range(200):
                probe.fail("flip")
                probe.recover()

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(anyio.to_thread.run_sync, flip)
        assert probe.listening
        assert checked(probe.port) == "passed"


def _wait_for(holds: Callable[[], bool]) -> None:
    changed = threading.Event()
    while not holds():
        changed.wait(0.005)


@pytest.mark.parametrize("struck", ["listen", "shutdown"])
async def test_a_signal_in_the_middle_of_a_change(
    struck: str, monkeypatch: pytest.MonkeyPatch, checked: Checked, until: Until
) -> None:
    """A handler that says the opposite while the port is being changed has the last word."""
    strike: list[Callable[[], None]] = []

    class Struck(socket.socket):
        def listen(self, *arguments: int) -> None:
            super().listen(*arguments)
            if struck == "listen" and strike:
                strike.pop()()

        def shutdown(self, how: int) -> None:
            if struck == "shutdown" and strike:
                strike.pop()()
            super().shutdown(how)

    monkeypatch.setattr(socket, "socket", Struck)
    async with tcp_probe.serve(0) as probe:
        if struck == "listen":
            probe.fail("first")
            strike.append(lambda: probe.fail("struck"))
            probe.recover()
            assert probe.reasons == ("struck",)
            assert checked(probe.port) == "refused"
            probe.recover()
        else:
            strike.append(probe.recover)
            probe.fail("first")
        assert probe.listening
        assert checked(probe.port) == "passed"
        await until(lambda: probe.checks == 1)

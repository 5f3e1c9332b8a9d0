"""Signal handlers that raise: sys.exit() on SIGTERM, or the SIGALRM that ends a job too long."""

from __future__ import annotations

import gc
import logging
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import tcp_probe
from tcp_probe import _termination_log

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]
Soon = Callable[..., None]


PACKAGE = str(Path(tcp_probe.__file__).parent)


class Strike(Exception):  # noqa: N818 (as a signal handler's may be called)
    """What the handler raises."""


def struck_at(count: int, act: Callable[[], object], within: str = "") -> bool:
    """Run `act` with a strike at the count-th place where Python runs signal handlers.

    These are where a function begins, and after a call, in files whose path begins with `within`.
    Return whether there are so many.
    """
    left = count

    def strike(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        left -= event != "c_call" and frame.f_code.co_filename.startswith(within)
        if not left:
            raise Strike

    sys.setprofile(strike)
    try:
        act()
    except Strike:
        pass
    finally:
        sys.setprofile(None)
    return left <= 0


def is_sound(probe: tcp_probe.Probe, checked: Checked) -> bool:
    """Tell whether the lock is free and the port does what the probe says."""
    free = []

    def look() -> None:
        free.append(probe._port.gate.lock.acquire(timeout=20))
        probe._port.gate.lock.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return free == [True] and (checked(probe.port) == "passed") == probe.listening


def step(probe: tcp_probe.Probe) -> None:
    with probe.watchdog(600) as watchdog:
        watchdog.reset()


def run_out(probe: tcp_probe.Probe) -> None:
    with probe.watchdog(600) as watchdog:
        watchdog._timer._where = None  # this thread is never the one that is looked at
        watchdog._timer.reset_at -= 601
        watchdog._timer.due()
        watchdog.reset()


ACTS: dict[str, Callable[[tcp_probe.Probe], object]] = {
    "fail": lambda probe: probe.fail("x"),
    "recover": lambda probe: probe.recover(),
    "watchdog": step,
    "watchdog that runs out": run_out,
}


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Collect no garbage meanwhile but what a test asks for: finalizers would be struck."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.filterwarnings("ignore:a watchdog was never started")  # struck before it could be
@pytest.mark.parametrize("act", ACTS)
async def test_a_handler_that_raises_anywhere(
    act: str, checked: Checked, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever it strikes, the lock is free after it, and the port does what the probe says."""
    # The locks of the logging module itself do not survive a strike.
    caplog.set_level(logging.CRITICAL, "tcp_probe")
    async with tcp_probe.serve(0, backlog=4000, stall_timeout=600) as probe:
        for warm in ACTS.values():
            warm(probe)
        probe.recover()
        before = len(probe._port.timers.running)
        count = 1
        while True:
            if act == "recover":
                probe.fail("x")
            if not struck_at(count, lambda: ACTS[act](probe)):
                break
            assert is_sound(probe, checked), count
            assert set(probe.reasons) <= {"x"}, count
            assert len(probe._port.timers.running) == before, count
            probe.recover()
            assert probe.listening, count
            count += 1
        assert count > 10


def listen(port: int, file: Path) -> None:
    with tcp_probe.serve(port, stall_timeout=600, termination_log=file):
        pass


@pytest.mark.usefixtures("no_collection")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:serve.* was never entered:RuntimeWarning")
def test_wherever_a_handler_strikes_a_block_nothing_is_left(
    free_port: int, file: Path, checked: Checked, soon: Soon, caplog: pytest.LogCaptureFixture
) -> None:
    """The port refuses, no dump is armed, nothing is in the file, and no thread runs on."""
    caplog.set_level(logging.CRITICAL, "tcp_probe")
    listen(free_port, file)
    threads = threading.active_count()
    count = 1
    while struck_at(count, lambda: listen(free_port, file), PACKAGE):
        assert checked(free_port) == "refused", count
        assert not any(each.is_armed for each in _termination_log._files.values()), count
        assert not file.read_text(), count
        gc.collect()  # a socket that had been bound, but did not listen yet
        count += 1
    assert count > 100
    soon(lambda: threading.active_count() <= threads)


@pytest.mark.parametrize("struck", ["listen", "shutdown"])
def test_a_timeout_error_is_not_taken_for_an_error_of_the_socket(
    struck: str, monkeypatch: pytest.MonkeyPatch, checked: Checked
) -> None:
    """A handler that raises TimeoutError right after a system call reaches the worker as it is."""
    strikes: list[Exception] = []

    class Struck(socket.socket):
        def listen(self, *arguments: int) -> None:
            super().listen(*arguments)
            if struck == "listen" and strikes:
                raise strikes.pop()

        def shutdown(self, how: int) -> None:
            super().shutdown(how)
            if struck == "shutdown" and strikes:
                raise strikes.pop()

    monkeypatch.setattr(socket, "socket", Struck)
    strike = TimeoutError("the job took too long")
    with tcp_probe.serve(0) as probe:
        if struck == "shutdown":
            strikes.append(strike)
        with pytest.raises(TimeoutError) as raised:
            probe.fail("x")
            strikes.append(strike)
            probe.recover()
        assert raised.value is strike
        assert probe.listening is (struck == "listen")
        assert (checked(probe.port) == "passed") is probe.listening
        probe.recover()
        assert checked(probe.port) == "passed"


def test_a_strike_as_the_worker_ends(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that raises as the block ends passes, and the port refuses all the same."""
    with pytest.raises(Strike), tcp_probe.serve(0) as probe:
        refuse = probe._port.gate.refuse

        def struck(*arguments: object, **options: object) -> None:
            monkeypatch.setattr(probe._port.gate, "refuse", refuse)
            raise Strike

        monkeypatch.setattr(probe._port.gate, "refuse", struck)
    assert checked(probe.port) == "refused"
    assert probe.reasons == ("the worker has ended",)


def test_a_strike_where_the_end_of_the_block_begins(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the block could not even begin to end, its port is ended with the object."""

    def struck(*_: object) -> None:
        raise Strike

    monkeypatch.setattr(tcp_probe.serve, "__exit__", struck)
    with pytest.raises(Strike), tcp_probe.serve(0) as probe:
        pass
    gc.collect()
    assert checked(probe.port) == "refused"


# It never waits: a handler that strikes asyncio itself, between two steps of a task, makes asyncio
# wait for ever at its end.
WORKER = """
import signal, sys, threading, time, anyio
import tcp_probe

signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))

async def main():
    async with tcp_probe.serve(0, backlog=4000) as probe:
        print(probe.port, flush=True)
        while True:
            with probe.watchdog(600):
                probe.fail("x")
                probe.recover()

anyio.run(main)
"""


def test_sys_exit_on_sigterm_ends_the_process() -> None:
    """A worker whose SIGTERM handler calls sys.exit() ends, and with that code."""
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            time.sleep(random.uniform(0, 0.05))  # noqa: S311 (any moment will do)
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(30) == 3
            finally:
                process.kill()
        with pytest.raises(ConnectionRefusedError):
            tcp_probe.check(port)

"""Listening without a block, for frameworks that have hooks: `tcp_probe.start` and `close`."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
import pytest

import tcp_probe

Checked = Callable[..., str]
Lines = Callable[[], list[str]]
Until = Callable[..., Awaitable[None]]


async def test_listens_until_it_is_closed(checked: Checked, until: Until) -> None:
    """From `start` to `close` checks pass, and after it they are refused."""
    probe = tcp_probe.start(0)
    assert checked(probe.port) == "passed"
    await until(lambda: probe.checks == 1)
    probe.close()
    assert checked(probe.port) == "refused"
    assert probe.reasons == ("the worker has ended",)


async def test_is_closed_by_another_task(checked: Checked) -> None:
    """Hooks run in tasks of their own: one starts, another closes, in the same loop."""
    probes = []

    async def startup() -> None:
        probes.append(tcp_probe.start(0))

    async def shutdown() -> None:
        probes[0].close()

    for hook in (startup, shutdown):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hook)
    assert checked(probes[0].port) == "refused"


async def test_is_closed_by_another_thread(checked: Checked) -> None:
    """`close` works from any thread."""
    probe = tcp_probe.start(0)
    await anyio.to_thread.run_sync(probe.close)
    assert checked(probe.port) == "refused"


async def test_closing_twice_is_harmless(lines: Lines) -> None:
    """The second `close` does nothing."""
    probe = tcp_probe.start(0)
    probe.close()
    probe.close()
    assert len(lines()) == 2


async def test_closing_before_the_block_ends(checked: Checked) -> None:
    """`close` ends a port of `serve` as well, and its block ends as ever."""
    async with tcp_probe.serve(0) as probe:
        await anyio.to_thread.run_sync(probe.close)
        assert checked(probe.port) == "refused"
        await anyio.sleep(0.01)
    with tcp_probe.serve(0) as probe:
        probe.close()
        assert checked(probe.port) == "refused"


async def test_watches_the_loop_that_runs(until: Until) -> None:
    """A loop that stands still makes the port refuse, until it runs again."""
    probe = tcp_probe.start(0, stall_timeout=0.1)
    pause = threading.Event()
    while probe.listening:
        pause.wait(0.005)
    assert probe.reasons == ("the event loop has not run for 0.1 s",)
    await until(lambda: probe.listening)
    probe.close()


async def test_stall_timeout_none_watches_nothing() -> None:
    """With `stall_timeout=None` a loop that stands still goes on listening."""
    probe = tcp_probe.start(0, stall_timeout=None)
    threading.Event().wait(0.2)
    assert probe.refusals == 0
    probe.close()


def test_a_loop_that_has_ended(checked: Checked, lines: Lines) -> None:
    """When the loop it watches has ended, the port refuses and says so; it is no warning."""

    async def worker() -> tcp_probe.Probe:
        return tcp_probe.start(0, stall_timeout=1)

    probe = anyio.run(worker)
    pause = threading.Event()
    while not probe.refusals:
        pause.wait(0.005)
    assert checked(probe.port) == "refused"
    assert probe.reasons == ("the event loop has ended",)
    probe.close()
    assert f"INFO port {probe.port} refuses checks: the event loop has ended" in lines()


@pytest.mark.parametrize(
    ("end", "code"), [("", 0), ("sys.exit(7)", 7), ("raise ValueError", 1), ("os._exit(5)", 5)]
)
def test_the_end_of_the_process(end: str, code: int) -> None:
    """A process that never closes it ends as it would without, and the port with it."""
    program = f"""
import os, sys, tcp_probe
probe = tcp_probe.start(0)
tcp_probe.check(probe.port)
probe.watchdog(60).start()
print(probe.port, flush=True)
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code
    assert ("ValueError" in done.stderr) == ("ValueError" in end)
    with pytest.raises(ConnectionRefusedError):
        tcp_probe.check(int(done.stdout))


def test_port_in_use(taken_port: int) -> None:
    """A port that is in use is the OSError of `serve`."""
    with pytest.raises(OSError, match="in use"):
        tcp_probe.start(taken_port)


def test_takes_what_serve_takes() -> None:
    """Its arguments and defaults are those of `serve`, but for those of a condition."""
    ours = inspect.signature(tcp_probe.start).parameters
    its = inspect.signature(tcp_probe.serve).parameters
    assert set(its) - set(ours) == {"condition", "interval"}
    assert all(its[name] == ours[name] for name in ours)


def test_hands_on_what_it_is_given() -> None:
    """It listens on the host alone that it is given, with the backlog that it is given."""
    probe = tcp_probe.start(0, host="127.0.0.1", backlog=7)
    assert probe._port.listener._address == ("127.0.0.1", probe.port)
    assert probe._port.listener._backlog == 7
    probe.close()


def test_help_shows_what_a_user_may_call() -> None:
    """`help(tcp_probe.Probe)` has no constructor and no attribute that is not for its user."""
    public = {name for name in vars(tcp_probe.Probe) if not name.startswith("_")}
    assert public == {
        "checks",
        "close",
        "fail",
        "listening",
        "port",
        "reasons",
        "recover",
        "refusals",
        "watchdog",
    }
    assert "__init__" not in vars(tcp_probe.Probe)
    assert all(name.startswith("_") for name in vars(tcp_probe.serve))

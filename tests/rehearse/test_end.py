from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import psutil
import pytest

WAIT = "signal.pause()"
HANDLE = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
PATIENCE = 60.0

Manifest = Callable[..., str]
Staged = Callable[..., Any]
Pod = Callable[..., dict[str, Any]]


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the command does."""
    return "asyncio"


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("line", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGSEGV)", 139)]
)
async def test_the_pods_end_ends_the_rehearsal(
    line: str, code: int, manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """The code of a signal is 128 and its number, as in a container."""
    stage = staged(manifest(pod({"restartPolicy": "Never"})), line)
    seconds = await stage.run()
    # It may end before it is seen to be ready.
    seen = [event for event in stage.events if event.reason not in ("Ready", "NotReady")]
    assert [event.reason for event in seen] == ["Started", "Exited"]
    assert seen[1].message == f"Container worker exited with code {code}"
    assert seconds < PATIENCE
    assert stage.rehearsal.finished


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_rehearsal_and_the_worker_cleanly(
    number: signal.Signals, manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """The worker gets SIGTERM and ends in its own way."""
    goodbye = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('goodbye') or 0))"
    stage = staged(manifest(pod()), goodbye, "print('ready')", WAIT)
    stage.on["ready"] = send(number)
    seconds = await stage.run()
    assert stage.lines == [("ready", False), ("goodbye", False)]
    assert seconds < PATIENCE


async def test_a_second_signal_does_not_wait_for_the_worker(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """One that takes its time is killed then."""
    deaf = "signal.signal(signal.SIGTERM, lambda *_: print('not now'))"
    document = pod({"terminationGracePeriodSeconds": 600})
    pause = "while True: signal.pause()"
    stage = staged(manifest(document), deaf, "print('ready')", pause)
    stage.on["ready"] = send(signal.SIGINT)
    stage.on["not now"] = send(signal.SIGINT)
    await stage.run()
    assert stage.lines[-1] == ("not now", False)


async def test_at_the_end_the_worker_has_its_grace_and_no_more(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """As when its pod is deleted."""
    deaf = "signal.signal(signal.SIGTERM, lambda *_: print('not now'))"
    document = pod({"terminationGracePeriodSeconds": 20})
    pause = "while True: signal.pause()"
    stage = staged(manifest(document), deaf, "print('ready')", pause, speed=10)
    stage.on["ready"] = stage.rehearsal.stop
    await stage.run()
    assert stage.lines[-1] == ("not now", False)


async def test_the_time_that_was_given_is_kept(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """The rehearsal ends by itself then."""
    stage = staged(manifest(pod()), HANDLE, WAIT, speed=10)
    assert await stage.run(20) >= 20
    assert stage.reasons == ["Started", "Ready"]


async def test_what_the_worker_has_started_ends_with_it(
    manifest: Manifest, pod: Pod, wait_until_ended: Callable[..., None], staged: Staged
) -> None:
    """Also what has left its session, and what holds its output open; as with PID 1."""
    stage = staged(
        manifest(pod({"restartPolicy": "Never"})),
        "if os.fork() == 0:",
        "    os.setsid()",
        "    print(os.getpid())",
        "    time.sleep(600)",
        "time.sleep(2)",
    )
    await stage.run()
    [(pid, _)] = stage.lines
    if psutil.pid_exists(int(pid)):
        wait_until_ended(psutil.Process(int(pid)))


async def test_what_cannot_be_ended_does_not_hold_the_rehearsal_up(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """A process that has left session and environment keeps the pipe: it is let go after 1 s."""
    leave = f"os.execve({sys.executable!r}, ['p', '-I', '-c', 'import time; time.sleep(3)'], {{}})"
    stage = staged(
        manifest(pod({"restartPolicy": "Never"})),
        "if os.fork() == 0:",
        "    os.setsid()",
        f"    {leave}",
        "time.sleep(0.3)",
    )
    assert await stage.run() < PATIENCE
    assert stage.reasons[-2:] == ["Exited", "NotReady"]


async def test_the_end_may_come_before_the_worker_is_started(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """Nothing is left then either."""
    stage = staged(manifest(pod()), WAIT)
    assert await stage.run(0) < PATIENCE
    assert stage.events == []

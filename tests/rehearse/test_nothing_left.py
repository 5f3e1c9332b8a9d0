from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Wait = Callable[..., None]
PATIENCE = 20.0
# A worker with a child in its own session and one in its own process group, which all go on.
FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
os.write(1, f"{os.getpid()}\\n".encode())
for leave in (os.setsid, os.setpgrp):
    if os.fork() == 0:
        leave()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, f"{os.getpid()}\\n".encode())
        while True:
            time.sleep(600)
while True:
    time.sleep(0.1)  # a signal that comes just before a sleep is heard only after it
"""


@pytest.fixture
def rehearsal(manifest: Manifest, pod: Pod) -> Iterator[subprocess.Popen[str]]:
    """Start a rehearsal of such a family with the command that users type."""
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "tcp_probe", "rehearse", manifest(pod())),
            *("--", sys.executable, "-S", "-c", FAMILY),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as rehearsal:
        yield rehearsal
        rehearsal.kill()


def family(rehearsal: subprocess.Popen[str]) -> list[psutil.Process]:
    assert rehearsal.stdout
    pids: list[int] = []
    ready = False
    for line in rehearsal.stdout:
        pids += [int(line)] if line.strip().isdecimal() else []
        ready = ready or " Ready " in line
        if ready and len(pids) == 3:
            break
    assert len(pids) == 3
    return [psutil.Process(pid) for pid in pids]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_process(
    number: signal.Signals, rehearsal: subprocess.Popen[str], wait_until_ended: Wait
) -> None:
    """The rehearsal sums up, and all of the worker's processes are gone when it ends."""
    processes = family(rehearsal)
    rehearsal.send_signal(number)
    output, _ = rehearsal.communicate(timeout=PATIENCE)
    assert rehearsal.returncode == 0
    assert "kubectl get pod would show:" in output
    wait_until_ended(*processes)


def test_sigkill_leaves_no_process(
    rehearsal: subprocess.Popen[str], wait_until_ended: Wait
) -> None:
    """It gives the rehearsal no time, but its guard."""
    processes = family(rehearsal)
    rehearsal.kill()
    wait_until_ended(*processes)


def test_a_reader_that_has_gone_leaves_no_process(
    rehearsal: subprocess.Popen[str], wait_until_ended: Wait
) -> None:
    """As `| head` does: with the next line the rehearsal ends as at ^C."""
    processes = family(rehearsal)
    assert rehearsal.stdout
    rehearsal.stdout.close()
    processes[0].kill()
    wait_until_ended(*processes)
    assert rehearsal.wait(PATIENCE) == 0

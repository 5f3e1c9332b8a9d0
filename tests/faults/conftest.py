from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import tcp_probe
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome, RunCheck

# How long (s) to wait for what should happen soon, on a busy machine too.
PATIENCE = 20.0

# Far above what a check takes on loopback, where the kernel answers it, and below the second after
# which a client knocks again at a queue that was full.
CHECK_TIMEOUT = 0.3

# So many times as fast as a real one kubelet's clock goes here.
SPEED = 20

SCRIPT = Path(__file__).with_name("worker.py")


class Worker:
    """A process that runs worker.py."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._log = log
        self.port = int(self.told())

    def told(self) -> str:
        """Wait for the next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the worker ended: {self.log}"
        return line.strip()

    def tell(self) -> None:
        """Send it the line that it waits for."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answered(self) -> int:
        """Ask a healthy one how many checks it has answered."""
        self.tell()
        return int(self.told())

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def check(self) -> str:
        """Make one check and tell how it ended."""
        try:
            tcp_probe.check(self.port, timeout=CHECK_TIMEOUT)
        except (ConnectionRefusedError, ConnectionResetError):  # reset: just as it begins to refuse
            return "refused"
        except TimeoutError:
            return "timed out"
        return "passed"

    def until_killed(self) -> list[str]:
        """Check as kubelet does, only faster, until it would kill; tell how each check ended."""
        began = time.monotonic()

        def now() -> float:
            assert time.monotonic() - began < PATIENCE, outcomes
            return (time.monotonic() - began) * SPEED

        outcomes: list[str] = []
        kubelet = Kubelet(Container("worker", (Probe("liveness", period=1, failure_threshold=3),)))
        kubelet.start(now())
        steps = kubelet.started(now())
        while not any(isinstance(step, Event) and step.reason == "Killing" for step in steps):
            if any(isinstance(step, RunCheck) for step in steps):
                outcomes.append(self.check())
                outcome = Outcome(success=outcomes[-1] == "passed")
                steps = kubelet.checked(now(), "liveness", outcome)
            else:
                time.sleep(max(0.0, kubelet.next_wake - now()) / SPEED)
                steps = kubelet.wake(now())
        return outcomes


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def loop(request: pytest.FixtureRequest) -> Any:
    """Run the test with workers on every event loop that the package supports."""
    return request.param


@pytest.fixture
def start(loop: str, tmp_path: Path, marked: dict[str, str]) -> Iterator[Callable[..., Worker]]:
    """Start a worker with a fault and options of `serve`; all its processes end with the test."""
    with ExitStack() as stack:

        def start(fault: str, **options: object) -> Worker:
            log = tmp_path / "log"
            command = [sys.executable, str(SCRIPT), fault, loop, json.dumps(options)]
            return Worker(stack.enter_context(_running(command, log, marked)), log)

        yield start


@contextmanager
def _running(command: list[str], log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # then it has left no child either
                os.killpg(process.pid, signal.SIGKILL)

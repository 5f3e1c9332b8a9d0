from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import tcp_probe

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # the examples are scripts that import one another by name

from spool import Spool  # noqa: E402
from stand_in_api import StandInAPI, cli_environment  # noqa: E402

DEADLINE = 60.0  # s, for what takes 2 s on an idle machine


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE:g} s: {what}"
        time.sleep(0.02)


class Worker:
    """One claude_worker.py as a process, in a session of its own."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self.spool = Spool(folder / "spool")
        self._log = folder / f"log-{time.monotonic_ns()}"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(EXAMPLES / "claude_worker.py"), *arguments],
                env=env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What the worker has written so far."""
        return self._log.read_text()

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        """Wait until the worker has written what matches."""
        _until(lambda: re.search(pattern, self.log) or self.process.poll() is not None, pattern)
        match = re.search(pattern, self.log)
        assert match, f"the worker ended with {self.process.returncode}:\n{self.log}"
        return match

    def ports(self) -> tuple[int, int]:
        """Wait until the worker is ready; return its liveness and its readiness port."""
        match = self.wait_for_log(r"liveness on port (\d+), readiness on port (\d+)")
        liveness, readiness = map(int, match.groups())
        _until(lambda: self.check(readiness) == "passes", "ready")
        return liveness, readiness

    @staticmethod
    def check(port: int) -> str:
        """Make one check; return what it saw: passes, refuses or times out."""
        try:
            tcp_probe.check(port)
        except (ConnectionRefusedError, ConnectionResetError):
            return "refuses"
        except TimeoutError:
            return "times out"
        return "passes"

    def wait_for_refusal(self, port: int) -> None:
        """Wait until the port refuses checks."""
        _until(lambda: self.check(port) == "refuses", f"port {port} refuses")

    @contextmanager
    def always_alive(self) -> Iterator[None]:
        """Check the liveness port all through the block; every check must pass."""
        port, _ = self.ports()
        done = threading.Event()
        seen: list[str] = []

        def check() -> None:
            while True:
                seen.append(self.check(port))
                # As often as kubelet at most: the queue is made for that. At ten a second it is
                # full once a busy machine has kept the loop waiting for 0.3 s.
                if done.wait(1):
                    return

        thread = threading.Thread(target=check)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        assert set(seen) == {"passes"}

    def wait_for_results(self, *names: str) -> None:
        """Wait until the outbox has these results and the inbox no longer has their jobs."""
        results = [self.spool.outbox / name for name in names]
        jobs = [self.spool.inbox / name for name in names]

        def finished() -> bool:
            return all(path.exists() for path in results) and not any(
                path.exists() for path in jobs
            )

        _until(finished, f"results of {names}")

    def wait_for_failures(self, *names: str) -> None:
        """Wait until these jobs are set aside."""
        prompts = [self.spool.failed / name / "prompt" for name in names]
        _until(lambda: all(prompt.exists() for prompt in prompts), f"failures of {names}")

    def wait_for_end(self) -> int:
        """Wait until the worker has ended; return its exit status."""
        return self.process.wait(DEADLINE)

    def cli(self) -> psutil.Process:
        """Wait for the CLI that the worker runs now, and return it."""
        found: list[psutil.Process] = []

        def runs() -> bool:
            with suppress(psutil.NoSuchProcess):
                children = psutil.Process(self.process.pid).children()
                found[:] = [child for child in children if child.name() == "claude"]
            return len(found) == 1

        _until(runs, "a CLI")
        return found[0]

    def session(self) -> list[psutil.Process]:
        """Return the processes that run in the worker's session, the worker included."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                here = os.getsid(process.pid) == self.process.pid
                if here and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill(self) -> None:
        """End the worker and all it started, as the end of a container does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        _until(lambda: not self.session(), "no process left")


@contextmanager
def _started_workers(folder: Path, url: str) -> Iterator[Callable[..., Worker]]:
    (folder / "home").mkdir()
    workers: list[Worker] = []

    def start(*arguments: str, **environment: str) -> Worker:
        env = {
            **os.environ,
            **cli_environment(url, str(folder / "home")),
            "LIVENESS_PORT": "0",
            "POLL_INTERVAL": "0.1",
            "PROBE_HOST": "127.0.0.1",
            "READINESS_PORT": "0",
            "RETRY_DELAY": "0.1",
            "SPOOL": str(folder / "spool"),
            "TMPDIR": str(folder),
            **environment,
        }
        workers.append(Worker(folder, arguments, env))
        return workers[-1]

    try:
        yield start
    finally:
        for worker in workers:
            worker.kill()
            sys.stdout.write(worker.log)  # pytest shows it where a test fails


@contextmanager
def _serving_api() -> Iterator[StandInAPI]:
    with StandInAPI() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def api() -> Iterator[StandInAPI]:
    """Serve a stand-in Messages API outside the worker: it stays when the worker dies."""
    with _serving_api() as server:
        yield server


@pytest.fixture
def start_worker(tmp_path: Path, api: StandInAPI) -> Iterator[Callable[..., Worker]]:
    """Start workers on one spool; keyword arguments are environment variables."""
    with _started_workers(tmp_path, api.url) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_worker(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., tuple[Worker, StandInAPI]]]:
    """Start a worker with its own API for all tests of a module."""
    folder = tmp_path_factory.mktemp("shared")
    with _serving_api() as server, _started_workers(folder, server.url) as start:
        yield lambda **environment: (start(**environment), server)


@pytest.fixture
def prompts(tmp_path: Path) -> dict[str, str]:
    """Put two jobs into the inbox; return them by name."""
    jobs = {name: f"prompt of {name}" for name in ("1", "2")}
    inbox = Spool(tmp_path / "spool").inbox
    for name, prompt in jobs.items():
        (inbox / name).write_text(prompt)
    return jobs


@pytest.fixture(scope="session")
def until() -> Any:
    """Wait until a condition holds: `until(condition, what)`."""
    return _until

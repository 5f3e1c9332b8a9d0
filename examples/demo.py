"""Run the Claude worker on the stand-in API and show what liveness and readiness checks see.

    python examples/demo.py

Takes about 5 s, needs no key and no network, and exits with 0 if all went well.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from spool import Spool

import tcp_probe

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = Path(__file__).with_name("claude_worker.py")
PROMPTS = (
    "Why is a TCP connect not an accept?",
    "What does a liveness probe restart?",
    "What does a readiness probe hold back?",
    "When is idling for ever healthy?",
)
PERIOD = 0.5  # s between two rounds of checks
TIME_LIMIT = 25.0  # s for the answers
END_LIMIT = 25.0  # s; longer than the SDK takes to end a CLI that stands still


class Watcher:
    """Checks both ports, looks into the outbox, and shows each change."""

    def __init__(self, spool: Spool) -> None:
        self.ports = {"liveness": _free_port(), "readiness": _free_port()}
        self.states = dict.fromkeys(self.ports, "")
        self.times: list[float] = []
        self.failed = 0  # liveness checks, while the worker was ready
        self.answered: set[str] = set()
        self._spool = spool
        self._begin = time.monotonic()

    def show(self, text: str) -> None:
        """Print one line, with the time."""
        sys.stdout.write(f"{time.monotonic() - self._begin:5.1f} s  {text}\n")
        sys.stdout.flush()

    def look(self) -> None:
        """Make one round of checks."""
        was_ready = self.states["readiness"] == "passes"
        for name, port in self.ports.items():
            try:
                self.times.append(tcp_probe.check(port))
                state = "passes"
            except OSError as error:
                state = f"fails: {error.strerror or error}"
            if state != self.states[name]:
                self.show(f"{name} {state}")
            self.states[name] = state
        if was_ready and self.states["liveness"] != "passes":
            self.failed += 1
        for result in sorted(self._spool.outbox.glob("[!.]*")):
            if result.name not in self.answered:
                self.answered.add(result.name)
                self.show(f"job {result.name} done: {result.read_text(encoding='utf-8')}")
        time.sleep(PERIOD)


def demonstrate(folder: Path) -> bool:
    """Show a worker from its start to its end; tell whether it did what it should."""
    spool = Spool(folder / "spool")
    for number, prompt in enumerate(PROMPTS, 1):
        (spool.inbox / str(number)).write_text(prompt, encoding="utf-8")
    watcher = Watcher(spool)
    with _worker(folder, watcher.ports) as worker:
        watcher.show(f"worker started, {len(PROMPTS)} prompts in its inbox")
        deadline = time.monotonic() + TIME_LIMIT
        while len(watcher.answered) < len(PROMPTS) and worker.poll() is None:
            watcher.look()
            if time.monotonic() > deadline:
                break
        worked = set(watcher.states.values()) == {"passes"} and spool.next_job() is None
        passed, failed = len(watcher.times), watcher.failed
        median_time = median(watcher.times or [0])
        watcher.show("SIGTERM")
        worker.terminate()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(END_LIMIT)
        watcher.look()
        watcher.show(f"worker ended with {worker.returncode}")
    sys.stdout.write(
        f"{passed} checks passed, {median_time * 1000:.2f} ms each (median); "
        f"{failed} failed while the worker was ready\n"
    )
    refused = all("refused" in state for state in watcher.states.values())
    return worked and refused and worker.returncode == 0 and not failed


@contextmanager
def _worker(folder: Path, ports: dict[str, int]) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "SPOOL": str(folder / "spool"),
        "PROBE_HOST": "127.0.0.1",
        "LIVENESS_PORT": str(ports["liveness"]),
        "READINESS_PORT": str(ports["readiness"]),
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("wb") as log:
        worker = subprocess.Popen(  # noqa: S603  # our own script
            [sys.executable, str(WORKER), "--stand-in"],
            env=os.environ | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        with suppress(ProcessLookupError):  # what is left of it, a CLI in a turn for example
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def main() -> None:
    """Exit with 0 if the worker did what it should, else show its log and exit with 1."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            good = demonstrate(folder)
        except KeyboardInterrupt:
            sys.exit(130)
        if not good:
            log = (folder / "log").read_text(encoding="utf-8", errors="replace")
            sys.exit(f"The demonstration went wrong. The log of the worker:\n{log}")


if __name__ == "__main__":
    main()

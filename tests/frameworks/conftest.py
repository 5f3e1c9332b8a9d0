from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import tcp_probe
from tcp_probe.rehearse.processes import kill_group

RECIPES = Path(__file__).parents[2] / "examples" / "frameworks"
JOBS = Path(__file__).with_name("jobs.py")

# How long (s) to wait for what should happen soon, on a busy machine too.
PATIENCE = 60.0

# What the recipes' minutes are here (s). An outage lasts longer than the watchdog, which is of 2 s
# in most recipes here.
OUTAGE = 3.0
STALL = 1.0


def soon(holds: Callable[[], object], told: Callable[[], str]) -> None:
    """Wait until something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE, told()
        time.sleep(0.02)


def missing(server: str) -> NoReturn:
    """Skip the test, and say so; in CI, where it must be there, fail."""
    message = f"no {server}: apt-get install {server}"
    (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    raise AssertionError("unreachable")


def found(program: str, *folders: str) -> str:
    """Find a program in these folders, else of this Python's environment, else of the machine."""
    path = [*folders, str(Path(sys.executable).parent), os.environ["PATH"]]
    return shutil.which(program, path=os.pathsep.join(path)) or missing(program)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Broker:
    """A server on a loopback port of its own, that can be stopped and started again."""

    def __init__(
        self,
        command: list[str],
        address: tuple[str, int],
        env: dict[str, str],
        log: Path,
        *,
        databases: bool = False,
    ) -> None:
        self.address, self.port = address  # as the recipes have it, and where it listens here
        self._databases = databases
        self._command = command
        self._env = env
        self._log = log
        self.start()

    def start(self) -> None:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        soon(lambda: answers(self.port), self._log.read_text)

    def stop(self) -> None:
        kill_group(self.process.pid)
        self.process.wait(PATIENCE)
        soon(lambda: not answers(self.port), self._log.read_text)

    def place_for(self, number: int) -> str:
        """Name the place of the worker with this number, with a database of its own if it can."""
        return f"127.0.0.1:{self.port}" + (f"/{number}" if self._databases else "")

    def away(self, *workers: Worker, lasts: float = OUTAGE) -> None:
        """Be away for longer than a watchdog: every check of these must pass, later too."""
        self.stop()
        pass_for(lasts, *workers)
        self.start()
        pass_for(0.5, *workers)


@pytest.fixture
def redis(tmp_path: Path, marked: dict[str, str], ports: Callable[[], int]) -> Iterator[Broker]:
    """Run a Redis."""
    server = found("redis-server")
    port = ports()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    log = tmp_path / "redis.log"
    broker = Broker([server, *options], ("localhost:6379", port), marked, log, databases=True)
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def rabbitmq(
    tmp_path_factory: pytest.TempPathFactory, marked: dict[str, str], ports: Callable[[], int]
) -> Iterator[Broker]:
    """Run a RabbitMQ, for all tests of a module: it takes seconds to start."""
    # The one on the PATH wants to become another user.
    server = found("rabbitmq-server", "/usr/lib/rabbitmq/bin")
    folder = tmp_path_factory.mktemp("rabbitmq")
    port, distribution, epmd = ports(), ports(), ports()
    env = {
        **marked,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"test-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "ERL_CRASH_DUMP": str(folder / "crash"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
    }
    broker = Broker([server], ("localhost:5672", port), env, folder / "output")
    yield broker
    broker.stop()


class Worker:
    """A recipe's own process, as its users start it."""

    def __init__(self, command: list[str], port: int, folder: Path, env: dict[str, str]) -> None:
        self._python = str(Path(command[0]).with_name("python"))
        self.port = port
        self.folder = folder
        self.sends = ""  # the line of Python that sends a job
        self._log = folder / "log"
        self._termination_log = folder / "termination-log"
        self._termination_log.touch()
        env = {**env, "TCP_PROBE_TERMINATION_LOG": str(self._termination_log)}
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text()

    def passes(self) -> bool:
        """Make one check."""
        try:
            tcp_probe.check(self.port, timeout=PATIENCE)
        except (ConnectionRefusedError, ConnectionResetError):
            return False
        return True

    def until_passing(self) -> None:
        self.soon(self.passes)

    def until_refused_at(self, *places: str) -> None:
        """Wait until checks are refused, and log and termination message show why, and where."""
        self.soon(lambda: not self.passes())
        self.soon(lambda: "refuses checks: " in self.log and self._termination_log.read_text())
        told = self.log.split("refuses checks: ", 1)[1]
        assert all(place in told for place in places), self.log
        message = self._termination_log.read_text()
        assert all(place in message for place in places), message

    def until_logged(self, text: str) -> None:
        self.soon(lambda: text in self.log)

    def until_done(self, job: str) -> None:
        self.soon((self.folder / f"done {job}").exists)

    def stand_still(self) -> None:
        """Let the main thread of its process do nothing any more, once it has gone round."""
        self.passes_for(0.5)
        os.kill(self.process.pid, signal.SIGUSR2)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Stop it while it is healthy, and return its exit code."""
        self.process.send_signal(signal_number)
        code = self.exit_code()
        assert not self._termination_log.read_text()
        return code

    def exit_code(self) -> int:
        """Wait for its end and return its exit code."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it does not end: {self.log}")
        assert not self.passes()
        return code

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def passes_for(self, duration: float) -> None:
        pass_for(duration, self)

    def send(self, job: str | bytes) -> None:
        """Send it a job as its users do: by a line of Python beside the recipe."""
        code = self.sends.format(job=job)
        subprocess.run([self._python, "-c", code], cwd=self.folder, check=True, timeout=PATIENCE)

    def soon(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, while the process is there."""

        def held() -> object:
            held = holds()
            assert held or self.process.poll() is None, self.log
            return held

        soon(held, self._log.read_text)


def pass_for(duration: float, *workers: Worker) -> None:
    """Check all the time, as it is to be shown that none refuses: every check must pass."""
    until = time.monotonic() + duration
    while time.monotonic() < until:
        for worker in workers:
            assert worker.passes(), worker.log
        time.sleep(0.05)
    for worker in workers:
        assert worker.process.poll() is None, worker.log


@pytest.fixture
def start(
    tmp_path: Path, marked: dict[str, str], ports: Callable[[], int]
) -> Iterator[Callable[..., Worker]]:
    """Start a recipe as it stands, with a port, a broker and seconds of the test's own."""
    workers: list[Worker] = []

    def start(  # noqa: PLR0913 (each is another part of how a recipe is run)
        recipe: str,
        command: str,
        broker: Broker | None,
        changes: dict[str, str] | None = None,
        *,
        sends: str = "",
        variables: dict[str, str] | None = None,
    ) -> Worker:
        port = ports()
        code = (RECIPES / f"{recipe}.py").read_text()
        changes = {"9090": f"{port}, stall_timeout={STALL}", **(changes or {})}
        if broker is not None:
            changes[broker.address] = place = broker.place_for(len(workers))
            sends = sends.replace(broker.address, place)
        for old, new in changes.items():
            assert old in code, f"{recipe}.py has no {old}"
            code = code.replace(old, new)
        folder = tmp_path / f"worker-{len(workers)}"
        folder.mkdir()
        (folder / f"{recipe}.py").write_text(code)
        shutil.copy(JOBS, folder / "jobs.py")
        program, *arguments = command.split()
        command_line = [found(program), *arguments]
        workers.append(Worker(command_line, port, folder, {**marked, **(variables or {})}))
        workers[-1].sends = sends
        return workers[-1]

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait(PATIENCE)


@pytest.fixture
def work_after_an_outage() -> Callable[..., None]:
    """Check that workers pass while their broker is away; then each works, and SIGTERM ends it."""

    def work_after_an_outage(broker: Broker, *workers: Worker, lasts: float = OUTAGE) -> None:
        broker.away(*workers, lasts=lasts)
        for worker in workers:
            worker.send("after the outage")
        for worker in workers:
            worker.until_done("after the outage")
            # A framework has still to note that the job is done: arq ends with 1 at a SIGTERM then.
            worker.passes_for(0.5)
            assert worker.stop() == 0

    return work_after_an_outage

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tcp_probe.kubelet.steps import Event
from tcp_probe.manifest.workload import load
from tcp_probe.rehearse.container_process import LINE_LIMIT, CommandError
from tcp_probe.rehearse.container_run import Part
from tcp_probe.rehearse.rehearsal import Rehearsal

GOLDEN = Path(__file__).parent / "golden"
PATIENCE = 60.0
PYTHON = (sys.executable, "-S", "-c")
WAIT = "signal.pause()"
HANDLE = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the command does."""
    return "asyncio"


def worker(*lines: str) -> tuple[str, ...]:
    """Make a command that runs these lines of Python, with a handler for SIGTERM or not."""
    return (*PYTHON, "\n".join(["import os, signal, socket, sys, time", *lines]))


class Stage:
    """Rehearses a pod and keeps what was reported and printed."""

    def __init__(self, file: str, command: tuple[str, ...], **options: Any) -> None:
        self.events: list[Event] = []
        self.lines: list[tuple[str, bool]] = []
        self.remarks: list[str] = []
        self.on: dict[str, Callable[[], None]] = {}
        self.rehearsal = Rehearsal([Part(load(file), command, self)], **options)

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.on.pop(event.reason, lambda: None)()

    def check(self, *_: object) -> None:
        pass

    def output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        self.lines.append((line, is_error))
        self.on.pop(line, lambda: None)()

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.events]

    async def run(self, until: float = PATIENCE) -> float:
        return await self.rehearsal.run(until)


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


async def at_a_speed_that_the_machine_keeps_up_with(
    perform: Callable[[float], Awaitable[Any]], holds: Callable[[Any], bool]
) -> Any:
    """Rehearse fast first; where that was too fast for a busy machine, more slowly."""
    for speed in (10, 5, 2, 1):
        performed = await perform(speed)
        if holds(performed):
            break
    return performed


async def test_the_recording_of_a_wrong_port_is_repeated(manifest: Manifest) -> None:
    """Three kills that restart at once and a fourth one that backs off, as it was recorded.

    The clock runs up to 10 times as fast. The recorded worker ended at once on SIGTERM: so does
    this one, which shares the processes of its pod and is no PID 1.
    """
    recorded = json.loads((GOLDEN / "wrong-port.json").read_text())
    recorded["pod"]["spec"]["shareProcessNamespace"] = True
    file = manifest(recorded["pod"])
    kept = ("Started", "Unhealthy", "Killing", "BackOff")
    expected = [event["reason"] for event in recorded["events"] if event["time"] < 45]
    expected = [reason for reason in expected if reason in kept]

    async def perform(speed: float) -> Stage:
        stage = Stage(file, ("sleep", "100"), speed=speed)
        await stage.run(45)
        return stage

    def repeated(stage: Stage) -> bool:
        return [reason for reason in stage.reasons if reason in kept] == expected

    stage = await at_a_speed_that_the_machine_keeps_up_with(perform, repeated)
    assert repeated(stage), stage.events
    messages = [event.message for event in stage.events]
    refused = "Liveness probe failed: dial tcp 127.0.0.1:19199: connect: connection refused"
    assert messages.count(refused) == 8
    assert messages[-1].startswith("Back-off restarting failed container app in pod ")
    assert [event.message for event in stage.events if event.reason == "Exited"] == [
        "Container app exited with code 143"
    ] * 4


async def test_the_recording_of_a_finished_worker_is_repeated(
    manifest: Manifest, free_port: int
) -> None:
    """Ready, not ready when the port refuses, killed after three refusals, and so again.

    The clock runs up to 10 times as fast; the worker closes its port 20 s of it after its start.
    """
    recorded = json.loads((GOLDEN / "finished-worker.json").read_text())
    container = recorded["pod"]["spec"]["containers"][0]
    for kind in ("livenessProbe", "readinessProbe"):
        container[kind]["tcpSocket"]["port"] = free_port
    file = manifest(recorded["pod"])

    async def perform(speed: float) -> Stage:
        command = worker(
            HANDLE,
            f"server = socket.create_server(('127.0.0.1', {free_port}), backlog=100)",
            f"time.sleep({20 / speed})",
            "server.close()",
            WAIT,
        )
        stage = Stage(file, command, speed=speed)
        await stage.run(54)
        return stage

    def lives(stage: Stage) -> list[str]:
        reasons = (
            event.message.split()[0] if event.reason == "Unhealthy" else event.reason
            for event in stage.events
            if not event.message.startswith("Readiness")
        )
        return " ".join(reasons).split("Started ")[1:]

    orders = [
        "Ready NotReady Liveness Liveness Liveness Killing Exited",
        "Ready Liveness NotReady Liveness Liveness Killing Exited",
        "Ready Liveness Liveness NotReady Liveness Killing Exited",
    ]

    def repeated(stage: Stage) -> bool:
        return len(lives(stage)) == 3 and all(life.strip() in orders for life in lives(stage)[:2])

    stage = await at_a_speed_that_the_machine_keeps_up_with(perform, repeated)
    assert repeated(stage), stage.events
    exits = [event.message for event in stage.events if event.reason == "Exited"]
    assert set(exits) == {"Container app exited with code 0"}


async def test_what_the_worker_prints_is_passed_on(manifest: Manifest, pod: Pod) -> None:
    """Line by line as it comes, also a last one without an end, one too long, and no text."""
    stage = Stage(
        manifest(pod({"restartPolicy": "Never"})),
        worker(
            "print('out')",
            "print('err', file=sys.stderr)",
            f"sys.stdout.write('x' * {LINE_LIMIT + 1}); sys.stdout.flush()",
            "time.sleep(0.2)",
            "sys.stdout.buffer.write(b'\\n\\xff\\n'); print('end', end='')",
        ),
    )
    await stage.run()
    lines = [line for line, is_error in stage.lines if not is_error]
    assert lines[0] == "out"
    assert lines[-2:] == ["\ufffd", "end"]
    assert "".join(lines[1:-2]) == "x" * (LINE_LIMIT + 1)
    assert [line for line, is_error in stage.lines if is_error] == ["err"]


async def test_the_worker_gets_the_environment_of_the_manifest(
    manifest: Manifest, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside that of the rehearsal, and its output is not held back."""
    monkeypatch.setenv("FROM_HERE", "here")
    file = manifest(pod({"restartPolicy": "Never"}, env=[{"name": "PORT", "value": "9090"}]))
    names = ("PORT", "FROM_HERE", "PYTHONUNBUFFERED")
    stage = Stage(file, worker(f"print(*map(os.environ.get, {names}))"))
    await stage.run()
    assert stage.lines == [("9090 here 1", False)]


@pytest.mark.parametrize(
    ("line", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGSEGV)", 139)]
)
async def test_the_pods_end_ends_the_rehearsal(
    line: str, code: int, manifest: Manifest, pod: Pod
) -> None:
    """The code of a signal is 128 and its number, as in a container."""
    stage = Stage(manifest(pod({"restartPolicy": "Never"})), worker(line))
    seconds = await stage.run()
    # It may end before it is seen to be ready.
    seen = [event for event in stage.events if event.reason not in ("Ready", "NotReady")]
    assert [event.reason for event in seen] == ["Started", "Exited"]
    assert seen[1].message == f"Container worker exited with code {code}"
    assert seconds < PATIENCE
    assert stage.rehearsal.finished


async def test_a_worker_that_ends_is_started_again(manifest: Manifest, pod: Pod) -> None:
    """The port is the same again."""
    stage = Stage(manifest(pod()), worker("print('run')"))
    stage.on["BackOff"] = stage.rehearsal.stop
    await stage.run()
    assert stage.lines == [("run", False)] * 2
    assert stage.rehearsal.runs[0].kubelet.restarts == 1


async def test_a_worker_without_a_handler_does_not_get_sigterm(
    manifest: Manifest, pod: Pod
) -> None:
    """As PID 1 of a container, which is told; it runs on until SIGKILL."""
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}
    document = pod({"terminationGracePeriodSeconds": 5}, livenessProbe=probe)
    stage = Stage(manifest(document), worker(WAIT), speed=10)
    stage.on["Exited"] = stage.rehearsal.stop
    await stage.run()
    killing, ignored, exited = (
        event for event in stage.events if event.reason in ("Killing", "SignalIgnored", "Exited")
    )
    assert ignored.message == (
        "Container worker does not handle SIGTERM: as PID 1 it does not get it, "
        "and runs on until SIGKILL in 5s"
    )
    assert exited.message == "Container worker exited with code 137"
    assert exited.time - killing.time >= 5


@pytest.mark.parametrize("hook", [{"sleep": {"seconds": 4}}, {"exec": {"command": ["sleep", "9"]}}])
async def test_a_hook_runs_before_sigterm(
    hook: dict[str, Any], manifest: Manifest, pod: Pod
) -> None:
    """For as long as it takes, or as long as there is grace."""
    document = pod(
        {"terminationGracePeriodSeconds": 4},
        livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1},
        lifecycle={"preStop": hook},
    )
    stage = Stage(manifest(document), worker(HANDLE, WAIT), speed=10)
    stage.on["Exited"] = stage.rehearsal.stop
    await stage.run()
    times = {event.reason: event.time for event in stage.events}
    assert times["Exited"] - times["Killing"] >= 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_rehearsal_and_the_worker_cleanly(
    number: signal.Signals, manifest: Manifest, pod: Pod
) -> None:
    """The worker gets SIGTERM and ends in its own way."""
    goodbye = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('goodbye') or 0))"
    stage = Stage(manifest(pod()), worker(goodbye, "print('ready')", WAIT))
    stage.on["ready"] = send(number)
    seconds = await stage.run()
    assert stage.lines == [("ready", False), ("goodbye", False)]
    assert seconds < PATIENCE


async def test_a_second_signal_does_not_wait_for_the_worker(manifest: Manifest, pod: Pod) -> None:
    """One that takes its time is killed then."""
    deaf = "signal.signal(signal.SIGTERM, lambda *_: print('not now'))"
    document = pod({"terminationGracePeriodSeconds": 600})
    pause = "while True: signal.pause()"
    stage = Stage(manifest(document), worker(deaf, "print('ready')", pause))
    stage.on["ready"] = send(signal.SIGINT)
    stage.on["not now"] = send(signal.SIGINT)
    await stage.run()
    assert stage.lines[-1] == ("not now", False)


async def test_at_the_end_the_worker_has_its_grace_and_no_more(
    manifest: Manifest, pod: Pod
) -> None:
    """As when its pod is deleted."""
    deaf = "signal.signal(signal.SIGTERM, lambda *_: print('not now'))"
    document = pod({"terminationGracePeriodSeconds": 20})
    pause = "while True: signal.pause()"
    stage = Stage(manifest(document), worker(deaf, "print('ready')", pause), speed=10)
    stage.on["ready"] = stage.rehearsal.stop
    await stage.run()
    assert stage.lines[-1] == ("not now", False)


async def test_the_time_that_was_given_is_kept(manifest: Manifest, pod: Pod) -> None:
    """The rehearsal ends by itself then."""
    stage = Stage(manifest(pod()), worker(HANDLE, WAIT), speed=10)
    assert await stage.run(5) >= 5
    assert stage.reasons == ["Started", "Ready"]


async def test_what_the_worker_has_started_ends_with_it(
    manifest: Manifest, pod: Pod, wait_until_ended: Callable[..., None]
) -> None:
    """Also what has left its session, and what holds its output open; as with PID 1."""
    stage = Stage(
        manifest(pod({"restartPolicy": "Never"})),
        worker(
            "if os.fork() == 0:",
            "    os.setsid()",
            "    print(os.getpid())",
            "    time.sleep(600)",
            "time.sleep(0.3)",
        ),
    )
    await stage.run()
    [(pid, _)] = stage.lines
    if psutil.pid_exists(int(pid)):
        wait_until_ended(psutil.Process(int(pid)))


async def test_what_cannot_be_ended_does_not_hold_the_rehearsal_up(
    manifest: Manifest, pod: Pod
) -> None:
    """A process that has left session and environment keeps the pipe: it is let go after 1 s."""
    leave = f"os.execve({sys.executable!r}, ['p', '-I', '-c', 'import time; time.sleep(3)'], {{}})"
    stage = Stage(
        manifest(pod({"restartPolicy": "Never"})),
        worker("if os.fork() == 0:", "    os.setsid()", f"    {leave}", "time.sleep(0.3)"),
    )
    assert await stage.run() < PATIENCE
    assert stage.reasons[-2:] == ["Exited", "NotReady"]


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_command_that_cannot_be_run_is_told(
    manifest: Manifest, pod: Pod, tmp_path: Path
) -> None:
    """With the reason, and without a traceback of a task group."""
    command = tmp_path / "worker"
    command.write_text("no program")
    command.chmod(0o755)
    with pytest.raises(CommandError, match=r"^cannot run '.*worker' here: exec format error$"):
        await Stage(manifest(pod()), (str(command),)).run()


async def test_the_end_may_come_before_the_worker_is_started(manifest: Manifest, pod: Pod) -> None:
    """Nothing is left then either."""
    stage = Stage(manifest(pod()), worker(WAIT))
    assert await stage.run(0) < PATIENCE
    assert stage.events == []

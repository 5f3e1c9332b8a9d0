from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.rehearse.container_process import LINE_LIMIT, CommandError

WAIT = "signal.pause()"
HANDLE = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"

Manifest = Callable[..., str]
Staged = Callable[..., Any]
Pod = Callable[..., dict[str, Any]]


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the command does."""
    return "asyncio"


async def test_what_the_worker_prints_is_passed_on(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """Line by line as it comes, also a last one without an end, one too long, and no text."""
    stage = staged(
        manifest(pod({"restartPolicy": "Never"})),
        "print('out')",
        "print('err', file=sys.stderr)",
        f"sys.stdout.write('x' * {LINE_LIMIT + 1}); sys.stdout.flush()",
        "time.sleep(0.2)",
        "sys.stdout.buffer.write(b'\\n\\xff\\n'); print('end', end='')",
    )
    await stage.run()
    lines = [line for line, is_error in stage.lines if not is_error]
    assert lines[0] == "out"
    assert lines[-2:] == ["\ufffd", "end"]
    assert "".join(lines[1:-2]) == "x" * (LINE_LIMIT + 1)
    assert [line for line, is_error in stage.lines if is_error] == ["err"]


async def test_the_worker_gets_the_environment_of_the_manifest(
    manifest: Manifest, pod: Pod, monkeypatch: pytest.MonkeyPatch, staged: Staged
) -> None:
    """Beside that of the rehearsal, and its output is not held back."""
    monkeypatch.setenv("FROM_HERE", "here")
    file = manifest(pod({"restartPolicy": "Never"}, env=[{"name": "PORT", "value": "9090"}]))
    names = ("PORT", "FROM_HERE", "PYTHONUNBUFFERED")
    stage = staged(file, f"print(*map(os.environ.get, {names}))")
    await stage.run()
    assert stage.lines == [("9090 here 1", False)]


async def test_a_worker_that_ends_is_started_again(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """The port is the same again."""
    stage = staged(manifest(pod()), "print('run')")
    stage.on["BackOff"] = stage.rehearsal.stop
    await stage.run()
    assert stage.lines == [("run", False)] * 2
    assert stage.rehearsal.runs[0].kubelet.restarts == 1


async def test_a_worker_without_a_handler_does_not_get_sigterm(
    manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """As PID 1 of a container, which is told; it runs on until SIGKILL."""
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}
    document = pod({"terminationGracePeriodSeconds": 5}, livenessProbe=probe)
    stage = staged(manifest(document), WAIT, speed=10)
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
    hook: dict[str, Any], manifest: Manifest, pod: Pod, staged: Staged
) -> None:
    """For as long as it takes, or as long as there is grace."""
    document = pod(
        {"terminationGracePeriodSeconds": 4},
        livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1},
        lifecycle={"preStop": hook},
    )
    stage = staged(manifest(document), HANDLE, WAIT, speed=10)
    stage.on["Exited"] = stage.rehearsal.stop
    await stage.run()
    times = {event.reason: event.time for event in stage.events}
    assert times["Exited"] - times["Killing"] >= 4


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_command_that_cannot_be_run_is_told(
    manifest: Manifest, pod: Pod, tmp_path: Path, staged: Staged
) -> None:
    """With the reason, and without a traceback of a task group."""
    command = tmp_path / "worker"
    command.write_text("no program")
    command.chmod(0o755)
    with pytest.raises(CommandError, match=r"^cannot run '.*worker' here: exec format error$"):
        await staged(manifest(pod()), command=(str(command),)).run()

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import psutil
import pytest

from tcp_probe.kubelet.handlers import Exec
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.exec_check import OUTPUT_LIMIT, exec_check

PATIENCE = 20.0
ENV = {"PATH": "/usr/bin:/bin"}


def shell(script: str) -> Exec:
    return Exec(("sh", "-c", script))


async def test_a_command_passes_with_code_0() -> None:
    """What it prints does not matter then."""
    assert await exec_check(shell("echo fine"), PATIENCE, ENV) == Outcome(success=True)


async def test_a_command_fails_with_its_output() -> None:
    """First the standard output, then all of the standard error, newlines and all."""
    outcome = await exec_check(shell("echo two >&2; echo one; exit 3"), PATIENCE, ENV)
    assert outcome == Outcome(success=False, message="one\ntwo\n")
    assert await exec_check(shell("exit 3"), PATIENCE, ENV) == Outcome(success=False)


async def test_the_output_is_cut_where_kubelet_stops_reading() -> None:
    """It may be endless."""
    long = Exec((sys.executable, "-I", "-S", "-c", "print('x' * 999999); raise SystemExit(1)"))
    assert (await exec_check(long, PATIENCE, {})).message == "x" * OUTPUT_LIMIT


async def test_a_command_that_takes_too_long_is_killed() -> None:
    """As the message says, with the command as Go quotes it."""
    outcome = await exec_check(Exec(("sleep", "100")), 0.2, ENV)
    message = 'command timed out: "sleep 100" timed out after 200ms'
    assert outcome == Outcome(success=False, message=message)


async def test_a_child_that_holds_the_output_delays_the_end_of_a_check() -> None:
    """The shell alone is killed; the container runtime waits until its child has ended, too."""
    began = anyio.current_time()
    outcome = await exec_check(shell("sleep 2.5; true"), 1, ENV)
    assert anyio.current_time() - began > 2.4
    assert outcome.success is False
    assert 'command timed out: "sh -c sleep 2.5; true"' in outcome.message


async def test_a_child_that_holds_the_output_for_ever_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By kubelet, long after the timeout, also where the command itself has ended well."""
    monkeypatch.setattr("tcp_probe.rehearse.exec_check.RUNTIME_LIMIT", 0.2)
    file = tmp_path / "pid"
    outcome = await exec_check(shell(f"sleep 100 & echo $! > {file}"), 2, ENV)
    os.kill(int(file.read_text()), signal.SIGKILL)
    assert outcome.success is False
    assert outcome.message.startswith("command timed out: ")


@pytest.mark.parametrize("after", [0.0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.2])
async def test_a_check_that_is_cancelled_leaves_no_process(after: float) -> None:
    """As at the end of a rehearsal, also where the command is just being started."""
    with anyio.move_on_after(after) as scope:
        await exec_check(Exec(("sleep", "100")), PATIENCE, ENV)
    assert scope.cancelled_caught
    assert not [each for each in psutil.Process().children() if each.name() == "sleep"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-command", "executable file not found in $PATH"),
        ("/no/such/command", "stat /no/such/command: no such file or directory"),
        ("/dev/null", "permission denied"),
    ],
)
async def test_a_command_that_cannot_start_is_no_result(command: str, reason: str) -> None:
    """Kubelet counts neither success nor failure then, and tells what the runtime told it."""
    outcome = await exec_check(Exec((command,)), PATIENCE, ENV)
    assert outcome.success is None
    assert outcome.message.startswith(
        'rpc error: code = Unknown desc = failed to exec in container: failed to start exec "'
    )
    assert outcome.message.endswith(
        '": OCI runtime exec failed: exec failed: unable to start container process: '
        f'exec: "{command}": {reason}: unknown'
    )


async def test_a_command_gets_the_environment_of_the_container() -> None:
    """So that it may look at the same settings."""
    assert (
        await exec_check(shell('test "$PORT" = 9090'), PATIENCE, {**ENV, "PORT": "9090"})
    ).success

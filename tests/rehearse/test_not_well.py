from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

LIVENESS = {"tcpSocket": {"port": 9090}, "periodSeconds": 2}


def test_what_was_never_asked_is_not_well(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A liveness probe that waits longer than the rehearsal takes tells nothing of the worker.

    The rehearsal says how long it has to be, and so long it is enough.
    """
    file = manifest(pod(livenessProbe={**LIVENESS, "initialDelaySeconds": 60}))
    arguments = [file, "--virtual", "--worker", "start=0", "--json", "--for"]
    assert rehearse([*arguments, "30"]) == 1
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["unchecked"] == ["liveness"]
    assert "the liveness probe was not checked in this time" in summary["message"]
    enough = summary["advice"].partition("--for ")[2].partition(")")[0]
    for seed in range(20):
        assert rehearse([*arguments, enough, "--seed", str(seed)]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["unchecked"], told["advice"]) == ([], None)


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
def test_a_crash_at_the_very_end_is_not_well(
    policy: str, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Though kubelet has not seen it yet."""
    file = manifest(pod({"restartPolicy": policy}, livenessProbe=LIVENESS))
    arguments = [file, "--virtual", "--worker", "exit=30:1", "--for"]
    assert rehearse([*arguments, "30.01"]) == 1
    assert "to change: Mend what ends it with code 1." in capsys.readouterr().out
    assert rehearse([*arguments, "29.9"]) == 0


def test_a_hook_that_does_not_end_is_told(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """No probe is checked while it runs, however long that takes."""
    hook = {"postStart": {"exec": {"command": ["fetch"]}}}
    file = manifest(pod(lifecycle=hook, livenessProbe=LIVENESS))
    arguments = [file, "--virtual", "--worker", "post_start=1000", "--for", "100"]
    assert rehearse(arguments) == 1
    assert "or bound the postStart hook: it still runs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "readiness", "status", "told"),
    [
        (["s = socket.create_server(('', PORT))"], {}, 0, "ready after"),
        (["s = socket.create_server(('127.0.0.1', PORT))"], {}, 1, "of 127.0.0.1 only, which"),
        (["pass"], {}, 1, "never ready"),
        (["s = socket.create_server(('', 0))"], {}, 1, "to change: the worker does not listen on"),
        (["pass"], {"exec": {"command": ["no-such"]}}, 1, "The readiness probe could not be made"),
    ],
)
def test_what_never_becomes_ready_is_not_well(  # noqa: PLR0913, PLR0917 - each is a fact of its own
    lines: list[str],
    readiness: dict[str, Any],
    status: int,
    told: str,
    manifest: Manifest,
    pod: Pod,
    capsys: Output,
    free_port: int,
) -> None:
    """Nor what only this machine itself reaches; and what to change is told."""
    probe = {**(readiness or {"tcpSocket": {"port": free_port}}), "periodSeconds": 1}
    script = "\n".join(["import signal, socket", *lines, "signal.pause()"])
    command = [sys.executable, "-S", "-c", script.replace("PORT", str(free_port))]
    file = manifest(pod(readinessProbe=probe))
    assert rehearse([file, "--for", "6", "--", *command]) == status
    assert told in capsys.readouterr().out


def test_a_worker_that_hangs_at_the_end_is_not_well(file: str, capsys: Output) -> None:
    """Its queue still answers when the time is over, and soon would not."""
    assert rehearse([file, "--virtual", "--worker", "start=0,hang=10", "--for", "12"]) == 1
    output = capsys.readouterr().out
    assert "it stands still at the end, and only its queue answers checks" in output
    assert "to change: Rehearse longer (--for): it stands still" in output

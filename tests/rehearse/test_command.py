from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.explain.command import explain
from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

LIVENESS = {"tcpSocket": {"port": 9090}, "periodSeconds": 2}
NOT_HEEDED = "tcp_probe: not heeded here: the image; the environment of this shell is passed on"
ENDS = [sys.executable, "-S", "-c", "import sys; print('out'); print('err', file=sys.stderr)"]


def test_a_command_is_rehearsed(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its output stands between the events, on the stream that it was written to."""
    monkeypatch.setenv("KNOWN", "here")
    key = {"secretKeyRef": {"name": "s", "key": "k"}}
    env = [{"name": name, "valueFrom": key} for name in ("KNOWN", "UNKNOWN")]
    file = manifest(pod({"restartPolicy": "Never"}, env=env))
    assert rehearse([file, "--for", "60", "--", *ENDS]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert "Container started" in lines[0]
    assert "out" in lines
    assert captured.err.splitlines() == [
        "tcp_probe: KNOWN is known to the cluster only: taken from this environment",
        "tcp_probe: UNKNOWN is known to the cluster only: not set here",
        NOT_HEEDED,
        "err",
    ]
    assert lines[-1].split()[:3] == ["worker", "0/1", "Completed"]


@pytest.mark.parametrize("source", ["shell", "manifest"])
def test_python_is_the_one_that_rehearses(
    source: str, manifest: Manifest, pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever PATH has, unless the manifest sets it."""
    python = Path(sys.executable)
    other, told = tmp_path / python.name, tmp_path / "told"
    other.write_text(f"#!/bin/sh\nprintf other > {told}\n")
    other.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    env = [{"name": "PATH", "value": path}] if source == "manifest" else []
    file = manifest(pod({"restartPolicy": "Never"}, env=env))
    write = f"import sys; open({str(told)!r}, 'w').write(sys.executable)"
    assert rehearse([file, "--", python.name, "-S", "-c", write]) == 0
    assert told.read_text() == ("other" if source == "manifest" else str(python))


def test_with_json_the_output_of_the_command_goes_to_the_standard_error(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """The standard output has nothing but objects."""
    file = manifest(pod({"restartPolicy": "Never"}))
    assert rehearse([file, "--json", "--", *ENDS]) == 0
    captured = capsys.readouterr()
    reasons = [json.loads(line)["reason"] for line in captured.out.splitlines()]
    # It may end before it is seen to be ready.
    assert [each for each in reasons if each not in ("Ready", "NotReady")] == [
        "Started",
        "Exited",
        "Summary",
    ]
    assert sorted(captured.err.splitlines()) == ["err", "out", NOT_HEEDED]


def test_without_a_command_that_of_the_manifest_is_run(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Command and args together."""
    fields = {"command": ENDS[:2], "args": ["-c", "print('from the manifest')"]}
    assert rehearse([manifest(pod({"restartPolicy": "Never"}, **fields))]) == 0
    assert "from the manifest\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", [explain, rehearse])
def test_help_is_printed(command: Callable[[list[str]], int], capsys: Output) -> None:
    """With exit status 0."""
    assert command(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: tcp-probe ")


def test_an_early_interrupt_is_no_traceback(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """^C may come before anything has begun."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tcp_probe.manifest.workload.load", interrupt)
    assert rehearse([file]) == 130
    assert capsys.readouterr().err == ""


def test_a_grpc_probe_is_made(manifest: Manifest, pod: Pod, capsys: Output, free_port: int) -> None:
    """With what it needs it is one like the others."""
    grpc = {"grpc": {"port": free_port}, "periodSeconds": 1, "failureThreshold": 1}
    file = manifest(pod(livenessProbe=grpc))
    assert rehearse([file, "--for", "6", "--", "sleep", "100"]) == 1
    assert "timeout: failed to connect service" in capsys.readouterr().out


def test_an_argument_may_name_the_pod(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """As `$(POD_IP)`, which only the running pod knows."""
    env = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    command = ["echo", "this is $(POD)"]
    file = manifest(pod({"restartPolicy": "Never"}, env=env, command=command))
    assert rehearse([file]) == 0
    assert "this is worker\n" in capsys.readouterr().out


def test_a_machine_without_an_address_is_told(
    free_file: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a worker that listens on loopback only cannot be found out."""
    monkeypatch.setattr("tcp_probe.rehearse.run.pod_address", lambda: None)
    assert rehearse([free_file, "--for", "1", "--", "sleep", "100"]) == 1
    assert "this machine has no address but 127.0.0.1" in capsys.readouterr().err


def test_the_termination_message_is_shown_with_the_exit(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Under it, as it came."""
    script = "echo why > $TCP_PROBE_TERMINATION_LOG; exit 3"
    assert rehearse([manifest(pod({"restartPolicy": "Never"})), "--", "sh", "-c", script]) == 1
    assert "exited with code 3\n            why\n" in capsys.readouterr().out


def test_the_help_tells_what_the_json_is(capsys: Output) -> None:
    """One object a line."""
    assert rehearse(["--help"]) == 0
    assert "--json prints one object a line" in capsys.readouterr().out


def test_in_a_log_an_event_is_one_line(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no terminal and no COLUMNS tell how wide it is, for grep to find it whole."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("shutil.os.get_terminal_size", _no_terminal)
    rehearse([manifest(pod(livenessProbe=LIVENESS)), "--virtual", "--worker", "close=5"])
    refused = "Liveness probe failed: dial tcp 127.0.0.1:9090: connect: connection refused\n"
    assert f"5.85 s  Unhealthy  {refused}" in capsys.readouterr().out


def _no_terminal(_: int) -> os.terminal_size:
    raise OSError

"""The width of what every command prints."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tcp_probe.__main__ import main
from tcp_probe._columns import wrapped

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

ROOT = Path(__file__).parent.parent
WIDTHS = [60, 80, 120]
COMMANDS = ["check", "explain", "rehearse", "why"]
MANIFESTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("manifests", "examples")
    for path in (ROOT / folder).rglob("*.yaml")
)
LAB = [each for each in MANIFESTS if "/lab/" in each and "tcpSocket" in (ROOT / each).read_text()]
SCRIPTS = ["start=3,close=40", "start=0,exit=20:1"]
RECORDED = sorted((ROOT / "tests/why/corpus").glob("*.json"))
# A command to copy is in one piece.
COPIED = "  tcp-probe "


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Be a terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def too_wide(output: str, width: int) -> list[str]:
    """Find the lines that are wider, and not because of one long word or a command to copy."""
    return [
        line
        for line in output.splitlines()
        if cell_len(line) > width and len(line.split()) > 1 and not line.startswith(COPIED)
    ]


@pytest.mark.parametrize("command", [[], *([each] for each in COMMANDS)], ids=" ".join)
def test_help_fits(command: list[str], width: int, capsys: Output) -> None:
    """Every line of it."""
    assert main([*command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > width] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_gives_each_exit_status_with_an_example(command: str, capsys: Output) -> None:
    """A command that ends so, under what it means; 74 is the same for all."""
    main([command, "--help"])
    table = capsys.readouterr().out.partition("exit status:\n")[2].partition("\n\n")[0]
    parts = re.split(r"^  (\d+)", table, flags=re.MULTILINE)[1:]
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    assert [*told] == ["0", "1", "2", "74"]
    for text in told.values():
        assert f"\n        tcp-probe {command} " in text
    assert "the output cannot be written\n" in told["74"]


@pytest.mark.parametrize("file", MANIFESTS)
def test_an_explanation_fits(
    file: str, width: int, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each manifest here; what is no manifest is told in one line for a log."""
    monkeypatch.chdir(ROOT)
    main(["explain", file])
    assert too_wide(capsys.readouterr().out, width) == []


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("file", LAB)
def test_a_rehearsal_fits(
    file: str, script: str, width: int, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events, lanes, story, advice and the table, of each Pod of the lab that has a port."""
    monkeypatch.chdir(ROOT)
    main(["rehearse", file, "--virtual", "--worker", script, "--for", "900"])
    output = capsys.readouterr().out
    assert "kubectl get pod would show" in output
    assert too_wide(output, width) == []


def test_a_rehearsal_of_several_containers_fits(
    width: int, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Where their names take room, too."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    document = pod(
        {"initContainers": [{"name": "one-that-prepares-all", "image": "x", "command": ["true"]}]},
        command=["sleep", "100"],
        readinessProbe={"tcpSocket": {"port": port}, "periodSeconds": 1, "failureThreshold": 1},
    )
    main(["rehearse", manifest(document), "--all-containers", "--for", "2.5"])
    output = capsys.readouterr().out
    assert "Unhealthy" in output
    assert "one-that-prepares-all (init container)" in output
    assert too_wide(output, width) == []


@pytest.mark.parametrize("name", RECORDED, ids=lambda path: path.stem)
def test_a_verdict_fits(name: Path, width: int, capsys: Output, tmp_path: Path) -> None:
    """On each recorded pod."""
    scenario = json.loads(name.read_text(encoding="utf-8"))
    if "job" in scenario:
        (tmp_path / "job.json").write_text(json.dumps(scenario["job"]), encoding="utf-8")
    pods = {"kind": "List", "items": scenario["pods"]}
    (tmp_path / "pods.json").write_text(json.dumps(pods), encoding="utf-8")
    events = {"kind": "List", "items": scenario.get("events", [])}
    (tmp_path / "events.json").write_text(json.dumps(events), encoding="utf-8")
    for log, text in scenario["logs"].items():
        (tmp_path / log).write_text(text, encoding="utf-8")
    main(["why", "--from", str(tmp_path)])
    output = capsys.readouterr().out
    assert output
    assert too_wide(output, width) == []


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "pod.yaml"],
        ["why", "--from", "."],
        ["rehearse", "pod.yaml", "--virtual", "--worker", "close=20"],
    ],
    ids=lambda command: command[0],
)
def test_a_dumb_terminal_has_a_width_too(command: list[str], pod: Pod, tmp_path: Path) -> None:
    """One that moves no cursor, as that of an editor, is still asked how wide it is."""
    document = pod({"activeDeadlineSeconds": 60}, livenessProbe={"tcpSocket": {"port": 9090}})
    (tmp_path / "pod.yaml").write_text(json.dumps(document), encoding="utf-8")
    scenario = json.loads(RECORDED[0].read_text(encoding="utf-8"))
    pods = {"kind": "List", "items": scenario["pods"]}
    (tmp_path / "pods.json").write_text(json.dumps(pods), encoding="utf-8")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {**os.environ, "TERM": "dumb"}
    environment.pop("COLUMNS", None)
    with subprocess.Popen(
        [sys.executable, "-m", "tcp_probe", *command],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        output = b""
        # Linux ends what is read of a terminal that nobody else has open with EIO.
        with suppress(OSError):
            while more := os.read(ours, 4096):
                output += more
    os.close(ours)
    lines = output.decode()
    assert len(lines.splitlines()) > 5
    assert too_wide(lines, 60) == []


def test_a_check_fits(width: int, free_port: int, capsys: Output) -> None:
    """Whether it is answered or refused."""
    assert main(["check", str(free_port)]) == 1
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert main(["check", str(other.getsockname()[1])]) == 0
    told = capsys.readouterr().out
    assert told
    assert too_wide(told, width) == []


def test_a_path_is_not_broken() -> None:
    """A word stays whole, at hyphens too, and stands alone where it is longer than a line."""
    path = "/srv/jobs/a-long-name/that-no-line/has-room-for.yaml"
    assert wrapped(f"see {path} first", 20, "-> ") == ["-> see", f"   {path}", "   first"]

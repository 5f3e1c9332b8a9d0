from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tcp_probe.why.command import why

Ask = Callable[..., dict[str, Any]]
Recorded = Callable[..., Path]
Make = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

HERE = Path(__file__).parent
NAMES = [path.stem for path in sorted((HERE / "corpus").iterdir())]
CANARY = "CANARY-71af"
CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}


def shown(capsys: Output, *arguments: str) -> str:
    why(arguments)
    return capsys.readouterr().out


def write(folder: Path, **documents: Any) -> str:
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_fits_a_screen(
    name: str, width: int, recorded: Recorded, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 80 columns, or 60, and 40 lines; only a command to copy is as long as it is."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = shown(capsys, "--from", str(recorded(name))).splitlines()
    assert len(lines) <= (24 if width == 80 and "claude" not in name else 40)
    assert all(len(line) <= width or "tcp-probe" in line for line in lines)


def test_a_verdict_is_shown_with_its_evidence(recorded: Recorded, capsys: Output) -> None:
    """Summary, evidence, stack, fix and a command to try it."""
    said = shown(capsys, "--from", str(recorded("lab-claude-worker")))
    assert said.startswith("lab4/claude-worker worker: liveness (refused) certain\n")
    for words in (
        "Killed by its liveness probe (refused): a watchdog ran out: no reset for 10 s",
        "  event  Killing, 08:52:42",
        "  stack  ...\n         /app/examples/faults.py:39 in break_at_second",
        "\nFix: ",
        "\nTry it here:\n  tcp-probe rehearse ",
    ):
        assert words in said


def test_the_json_has_what_is_promised(recorded: Recorded, ask: Ask) -> None:
    """Its fields, in their order."""
    said = ask("--from", str(recorded("lab-hung-loop")))
    assert [*said] == ["pods", "groups", "missing", "status"]
    assert [*said["pods"][0]] == ["namespace", "name", "verdicts"]
    (verdict,) = said["pods"][0]["verdicts"]
    assert [*verdict] == [
        "container",
        "cause",
        "check",
        "certainty",
        "summary",
        "evidence",
        "fix",
        "restarts",
        "last",
        "rehearse",
    ]
    assert verdict["restarts"] == 4
    assert verdict["last"] == "2026-11-24T08:53:17Z"
    sources = {line.partition(": ")[0] for line in verdict["evidence"]}
    assert sources == {"pod", "event", "spec", "log"}


@pytest.mark.parametrize(
    "name",
    [
        "lab-hung-loop",
        "lab-wrong-port",
        "lab-fds-exhausted",
        "delay-period",
        "onfailure-exit1",
        "exec-fails",
        "grpc-not-serving",
        "grpc-port-closed",
        "http-404",
        "http-closes",
    ],
)
def test_the_rehearsal_shows_the_same(name: str, recorded: Recorded, ask: Ask) -> None:
    """The command is run as it is printed: the container is killed, or ends, as it was."""
    (verdict,) = ask("--from", str(recorded(name)))["pods"][0]["verdicts"]
    command = [sys.executable, "-m", "tcp_probe", *shlex.split(verdict["rehearse"])[1:], "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    reasons = [each.get("reason") for each in said]
    assert ("Killing" in reasons) is (verdict["cause"] == "liveness")
    assert "Exited" in reasons


def test_the_rehearsal_reads_a_clusters_pod_through_kubectl(
    pod: Make, ended: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    """Where it was not read from a file."""
    probe = {"livenessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 10}}
    made = pod(CRASHING, ended(1), restarts=2, container=probe)
    (tmp_path / "pod.json").write_text(json.dumps(made))
    with (tmp_path / "pod.json").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        (verdict,) = ask("-")["pods"][0]["verdicts"]
    assert verdict["rehearse"].startswith(
        "kubectl get pod web -n prod -o json | tcp-probe rehearse -"
    )


def test_many_pods_are_counted(
    tmp_path: Path, pod: Make, ended: Make, ask: Ask, capsys: Output
) -> None:
    """By cause, check and place, largest first, with the command for one of each."""
    crashes = [pod(CRASHING, ended(1), restarts=3, meta={"name": f"a{n}"}) for n in range(3)]
    pulls = [pod({"waiting": {"reason": "InvalidImageName"}}, meta={"name": "b"})]
    folder = write(tmp_path, pods={"kind": "List", "items": [*pulls, *crashes, pod()]})
    said = ask("--from", folder)
    assert [(each["cause"], each["pods"], each["restarts"]) for each in said["groups"]] == [
        ("exit", 3, 9),
        ("image", 1, 0),
    ]
    assert said["groups"][0]["example"] == "prod/a0"
    text = shown(capsys, "--from", folder)
    assert text.startswith("5 pods, 1 of them well\n")
    assert f"  tcp-probe why --from {folder} a0\n" in text


def test_many_pods_that_are_well_are_one_line(tmp_path: Path, pod: Make, capsys: Output) -> None:
    """And exit 0."""
    folder = write(tmp_path, pods={"kind": "List", "items": [pod(), pod()]})
    assert why(["--from", folder]) == 0
    assert capsys.readouterr().out.startswith("2 pods, 2 of them well\n\nNot read:")


def test_the_smallest_findings_are_left_out(tmp_path: Path, pod: Make, capsys: Output) -> None:
    """A table of more than a screen is no overview."""
    waits = [
        pod({"waiting": {"reason": "InvalidImageName"}}, container={"image": f"X{n}"})
        for n in range(25)
    ]
    folder = write(tmp_path, pods={"kind": "List", "items": waits})
    assert "... and 5 smaller ones (--json has all)" in shown(capsys, "--from", folder)


def test_several_verdicts_on_a_pod_stand_apart(
    tmp_path: Path, pod: Make, ended: Make, capsys: Output
) -> None:
    """One after the other."""
    made = pod(CRASHING, ended(1), restarts=3)
    made["spec"]["containers"].append({"name": "side"})
    side = {"name": "side", "restartCount": 1, "state": CRASHING, "lastState": ended(2)}
    made["status"]["containerStatuses"].append(side)
    said = shown(capsys, "--from", write(tmp_path, pod=made))
    assert "\n\nprod/web side: exit certain\n" in said


def test_nothing_of_the_environment_is_printed(
    tmp_path: Path, pod: Make, ended: Make, event: Make, capsys: Output
) -> None:
    """Neither from probes and commands nor from their output, messages, logs or stacks."""
    probe = {"exec": {"command": ["check", "--password", CANARY]}, "timeoutSeconds": 1}
    container = {
        "env": [{"name": "SETTING", "value": CANARY}],
        "args": [CANARY],
        "command": ["run", CANARY],
        "livenessProbe": probe,
        "image": "web:1",
    }
    failures = (
        f'Liveness probe failed: command timed out: "check --password {CANARY}" timed out after 1s',
        f"Liveness probe failed: no route for {CANARY}\n{CANARY}",
        f"Liveness probe errored: {CANARY} executable file not found in $PATH",
    )
    frame = f'  File "/{CANARY}.py", line 1, in f'
    trace = f"Traceback (most recent call last):\n{frame}\nKeyError: {CANARY}"
    for message in failures:
        for state in (
            CRASHING,
            {"waiting": {"reason": "RunContainerError", "message": CANARY}},
            None,
        ):
            made = pod(state, ended(1, message=CANARY), restarts=2, container=container)
            events = [event("Unhealthy", message, count=9), event("Failed", CANARY)]
            folder = write(tmp_path, pod=made, events={"items": events})
            (tmp_path / "logs-app.txt").write_text(f"{CANARY}\n{trace}\n")
            (tmp_path / "logs-app-previous.txt").write_text(f"{CANARY}\n{trace}\n")
            for arguments in (["--from", folder], ["--from", folder, "--json"]):
                assert CANARY not in shown(capsys, *arguments)


def test_a_log_is_quoted_by_stack_and_reason_only(
    tmp_path: Path, pod: Make, ended: Make, capsys: Output
) -> None:
    """What else stands there may be anybody's secret."""
    trace = 'Traceback (most recent call last):\n  File "/a.py", line 1, in f\nKeyError: 1'
    log = f"order of {CANARY}\n{trace}"
    folder = write(tmp_path, pod=pod(CRASHING, ended(1), restarts=2))
    for text, said in ((log, "KeyError: 1"), (f"order of {CANARY}\n", "exit code 1")):
        (tmp_path / "logs-app.txt").write_text(text)
        shown_text = shown(capsys, "--from", folder)
        assert CANARY not in shown_text
        assert said in shown_text


def test_terminal_escapes_are_shown_as_such(
    tmp_path: Path, pod: Make, ended: Make, capsys: Output
) -> None:
    """From names, messages and logs alike; columns stay columns with wide characters."""
    evil = "\x1b]0;owned\x07\u202e\x9b31m界面"
    made = pod(
        {"waiting": {"reason": "RunContainerError", "message": evil * 5}},
        ended(1, message=evil),
        meta={"name": f"web{evil}"},
    )
    said = shown(capsys, "--from", write(tmp_path, pod=made))
    assert "\\x1b]0;owned" in said
    assert all(each == "\n" or each.isprintable() for each in said)
    assert all(cell_len(line) <= 80 for line in said.splitlines())


def test_colour_is_for_a_terminal(recorded: Recorded) -> None:
    """Without it nothing but text is written, and the words are the same."""
    command = [sys.executable, "-m", "tcp_probe", "why", "--from", str(recorded("lab-hung-loop"))]
    env = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"}
    piped = subprocess.run(command, capture_output=True, env=env, timeout=60, check=False).stdout
    assert b"\x1b" not in piped
    parent, child = pty.openpty()
    process = subprocess.Popen(command, stdout=child, stderr=child, env=env)
    os.close(child)
    seen = b""
    while True:
        try:
            data = os.read(parent, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(parent)
    assert process.wait(60) == 1
    assert b"\x1b[" in seen
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", seen).replace(b"\r\n", b"\n")
    assert plain.split() == piped.split()


def test_a_closed_pipe_is_no_error(recorded: Recorded) -> None:
    """`| head` has read enough."""
    command = [sys.executable, "-m", "tcp_probe", "why", "--from", str(recorded("lab-hung-loop"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(60)


def test_an_output_without_unicode_is_written(
    recorded: Recorded, tmp_path: Path, pod: Make
) -> None:
    """What it has no character for is written as its escape."""
    made = pod({"waiting": {"reason": "RunContainerError", "message": "界"}})
    command = [sys.executable, "-m", "tcp_probe", "why", "--from", write(tmp_path, pod=made)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, env=env, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == b""
    assert b"\\u754c" in done.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["web", "-A"], ["web", "-l", "app=web"], ["-l", "app=web", "-A"]]
)
def test_one_thing_is_asked_for(arguments: list[str], capsys: Output) -> None:
    """A pod, a kind, a selector, every namespace, or a folder."""
    assert why(arguments) == 2
    assert "expected one of POD, KIND/NAME" in capsys.readouterr().err


@pytest.mark.parametrize("source", [["-"], ["--from", "folder"]])
@pytest.mark.parametrize("options", [["-n", "prod"], ["-l", "app=web"], ["-A"], ["--context", "x"]])
def test_what_chooses_from_a_cluster_is_not_for_what_is_given(
    source: list[str], options: list[str], capsys: Output
) -> None:
    """It would say nothing of what was left out."""
    assert why([*source, *options]) == 2
    told = capsys.readouterr().err
    assert f"expected {options[0]} without --from and -: it chooses from a cluster" in told


def test_help_tells_what_a_folder_holds(capsys: Output) -> None:
    """The names of its files."""
    assert why(["--help"]) == 0
    said = capsys.readouterr().out
    for name in ("pod.json", "pods.json", "events.json", "job.json", "logs-CONTAINER.txt"):
        assert name in said

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tcp_probe
from tcp_probe import _command_line
from tcp_probe.__main__ import main
from tcp_probe.explain.command import explain
from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

LIVENESS = {"tcpSocket": {"port": 9090}, "periodSeconds": 2}
NOT_HEEDED = "tcp_probe: not heeded here: the image; the environment of this shell is passed on"
ENDS = [sys.executable, "-S", "-c", "import sys; print('out'); print('err', file=sys.stderr)"]


@pytest.fixture
def file(manifest: Manifest, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a manifest whose worker listens on 9090."""
    monkeypatch.setenv("COLUMNS", "80")
    return manifest(pod(livenessProbe=LIVENESS))


def test_a_virtual_rehearsal_prints_json(file: str, capsys: Output) -> None:
    """One object a line, with kubelet's words, and a summary as the last one."""
    script = "close=5,exit=60:1"
    arguments = [file, "--virtual", "--worker", script, "--for", "40", "--json"]
    assert rehearse(arguments) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {
        "time": 0.0,
        "type": "Normal",
        "reason": "Started",
        "message": "Container started",
        "restarts": 0,
        "kind": "event",
    }
    unhealthy = next(line for line in lines if line["reason"] == "Unhealthy")
    assert unhealthy == {
        "time": 5.85,
        "type": "Warning",
        "reason": "Unhealthy",
        "message": "Liveness probe failed: dial tcp 127.0.0.1:9090: connect: connection refused",
        "restarts": 0,
        "kind": "event",
    }
    summary = lines[-1]
    assert summary["reason"] == "Summary"
    assert summary["type"] == "Warning"
    assert summary["time"] == 40
    assert summary["ready_after"] == 0.01
    assert summary["restarts"] == sum(summary["causes"].values()) == 3
    assert summary["message"].startswith("ready after 0.0 s; 3 restarts; 3 x Liveness probe failed")
    assert summary["pod"]["RESTARTS"].startswith("3 (")
    assert summary["pod"]["STATUS"] in ("Running", "CrashLoopBackOff")


def test_a_virtual_rehearsal_prints_a_timeline(file: str, capsys: Output) -> None:
    """The events, how it looked, what it came to and what kubectl would show; without colours."""
    assert rehearse([file, "--virtual", "--worker", "start=0", "--for", "300"]) == 0
    events, lanes, story, table = capsys.readouterr().out.split("\n\n")
    assert events.splitlines() == [
        "    0.00 s  Started    Container started",
        "    0.01 s  Ready      Container worker is ready",
    ]
    assert [line.split(" ")[0] for line in lanes.splitlines()[:3]] == [
        "container",
        "ready",
        "liveness",
    ]
    assert max(map(len, lanes.splitlines())) == 80
    assert story.splitlines() == ["ready after 0.0 s", "no restarts"]
    assert table == (
        "kubectl get pod would show:\n"
        "NAME     READY   STATUS    RESTARTS   AGE\n"
        "worker   1/1     Running   0          5m\n"
    )


@pytest.fixture
def free_file(manifest: Manifest, pod: Pod, free_port: int) -> str:
    """Write a manifest whose worker listens on a port that nothing listens on."""
    return manifest(pod(livenessProbe={"tcpSocket": {"port": free_port}, "periodSeconds": 2}))


def test_a_picture_is_written(file: str, tmp_path: Path, capsys: Output) -> None:
    """To the file that was named."""
    picture = tmp_path / "hang.svg"
    arguments = [file, "--virtual", "--worker", "close=3", "--for", "40"]
    assert rehearse([*arguments, "--timeline", str(picture)]) == 1
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<svg ")
    assert "Pod worker" in text
    assert "worker: ready after 0.0 s, the liveness probe fails at the end, 3 restarts" in text


def test_a_picture_is_written_of_a_real_run(free_file: str, tmp_path: Path) -> None:
    """As of a simulation."""
    picture = tmp_path / "hang.svg"
    arguments = [free_file, "--for", "1", "--timeline", str(picture)]
    assert rehearse([*arguments, "--", "sleep", "60"]) == 1
    assert "no restarts" in picture.read_text(encoding="utf-8")


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


@pytest.mark.parametrize("of", ["Pod", "Job", "CronJob"])
def test_a_deadline_is_named_as_passed_over(
    of: str, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """The cluster ends the pod then, be it the pod's own or its Job's; a simulation does not."""
    worker = pod({"activeDeadlineSeconds": 10} if of == "Pod" else {"restartPolicy": "Never"})
    job = {"activeDeadlineSeconds": 10, "template": {"spec": worker["spec"]}}
    spec = {"Pod": worker["spec"], "Job": job}
    spec["CronJob"] = {"schedule": "@daily", "jobTemplate": {"spec": job}}
    version = "v1" if of == "Pod" else "batch/v1"
    file = manifest({**worker, "apiVersion": version, "kind": of, "spec": spec[of]})
    assert rehearse([file, "--virtual", "--worker", "start=0", "--for", "60"]) == 0
    assert "not heeded here: activeDeadlineSeconds, after" in capsys.readouterr().err


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


def test_a_picture_that_cannot_be_written_is_told_at_once(file: str, capsys: Output) -> None:
    """Before the rehearsal, which may take an hour."""
    arguments = [file, "--virtual", "--worker", "start=0", "--timeline", "/no/such/folder/a.svg"]
    assert rehearse(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    problem = "/no/such/folder/a.svg: expected a file to write to, but: no such file or directory"
    assert problem in captured.err


def test_a_virtual_rehearsal_takes_an_hour_unless_told(file: str, capsys: Output) -> None:
    """Of its own time."""
    assert rehearse([file, "--virtual", "--worker", "start=0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pod"]["AGE"] == "60m"


def test_a_virtual_rehearsal_ends_with_its_pod(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """At the time at which it did."""
    file = manifest(pod({"restartPolicy": "Never"}))
    assert rehearse([file, "--virtual", "--worker", "exit=30", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 30 <= summary["time"] <= 31
    assert summary["pod"]["STATUS"] == "Completed"


def test_the_seed_is_an_option(file: str, capsys: Output) -> None:
    """With it the same story comes again."""

    def story(seed: str) -> str:
        rehearse([file, "--virtual", "--worker", "exit=3:1", "--seed", seed])
        return capsys.readouterr().out

    assert story("5") == story("5") != story("6")


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


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: MANIFEST"),
        (["FILE", "--virtual"], "--virtual needs --worker SPEC, as in --worker start=12"),
        (["FILE", "--virtual", "--worker", "start=0", "--", "x"], "takes no command"),
        (["FILE", "--worker", "start=0"], "--worker is for --virtual: add that"),
        (["FILE", "--virtual", "--worker", "x=0"], "argument --worker: expected start, close"),
        (["FILE", "--for", "soon"], "argument --for: expected a number of at least 0, got 'soon'"),
        (["FILE", "--timeline", "x.png"], "expected a file that ends in .svg, got 'x.png'"),
        (["FILE", "job.yaml"], "expected one argument beside the options, got also job.yaml"),
        (["FILE", "--for", "-1"], "argument --for: expected a number of at least 0, got '-1'"),
        (["FILE", "--for", "inf"], "argument --for: expected a number of at least 0, got 'inf'"),
        (["FILE", "--seed", "x"], "argument --seed: expected a whole number, got 'x'"),
        (["FILE", "--speed", "2"], "unrecognized arguments: --speed 2"),
        (["none.yaml"], "none.yaml: expected a readable file, but: no such file or directory"),
        (["FILE", "--container", "web"], "expected a container 'web', found worker"),
        (["FILE"], "expected a command after --: container worker leaves it to its image"),
        (
            ["FILE", "--", "no-such-command"],
            "cannot run 'no-such-command' of container worker here: no such program",
        ),
        (
            ["FILE", "--", os.devnull],
            "cannot run '/dev/null' of container worker here: no such program that may be run",
        ),
    ],
)
def test_bad_input_is_told(arguments: list[str], problem: str, file: str, capsys: Output) -> None:
    """On the standard error, with exit status 2 and no traceback."""
    assert rehearse([file if each == "FILE" else each for each in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert problem in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("command", [explain, rehearse])
def test_help_is_printed(command: Callable[[list[str]], int], capsys: Output) -> None:
    """With exit status 0."""
    assert command(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: tcp-probe ")


@pytest.mark.parametrize(("module", "name"), [("yaml", "PyYAML"), ("rich", "rich")])
@pytest.mark.parametrize("command", [explain, rehearse])
def test_a_missing_extra_is_told(
    module: str,
    name: str,
    command: Callable[[list[str]], int],
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one line that says what to install."""
    monkeypatch.setattr(
        _command_line, "find_spec", lambda wanted: None if wanted == module else wanted
    )
    assert command(["worker.yaml"]) == 2
    hint = "pip install 'anyio-tcp-probe[tools]'"
    assert capsys.readouterr().err == f"tcp_probe: {name} is missing: {hint}\n"


def test_an_early_interrupt_is_no_traceback(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """^C may come before anything has begun."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tcp_probe.manifest.workload.load", interrupt)
    assert rehearse([file]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_has_gone_ends_a_virtual_rehearsal(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `| head` does; nothing is printed any more, and nothing fails."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["rehearse", file, "--virtual", "--worker", "close=1", "--json"]) == 0


def test_a_reader_that_has_gone_ends_a_rehearsal(
    free_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ^C does."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["rehearse", free_file, "--json", "--", "sleep", "100"]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_that_cannot_be_written_is_told(options: list[str], free_file: str) -> None:
    """In one line, as of the other commands, and the rehearsal ends."""
    with Path("/dev/full").open("wb") as full:
        command = ["rehearse", free_file, *options, "--", "sleep", "100"]
        done = subprocess.run(
            [sys.executable, "-m", "tcp_probe", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 74
    told = done.stderr.splitlines()
    assert told[-1] == "tcp_probe: cannot write the output: No space left on device"
    assert all(line.startswith("tcp_probe: ") for line in told)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_closed_output_is_none(
    options: list[str], file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then only the exit status tells."""
    monkeypatch.setattr(sys, "stdout", None)
    assert rehearse([file, "--virtual", "--worker", "start=0", "--for", "9", *options]) == 0


def test_grpc_needs_packages(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is told before anything is started, with what to install."""
    monkeypatch.setattr("tcp_probe.rehearse.grpc_check.find_spec", lambda _: None)
    file = manifest(pod(livenessProbe={"grpc": {"port": 9000}}))
    assert rehearse([file, "--", "true"]) == 2
    problem = "a grpc probe needs grpcio and grpcio-health-checking: pip install 'anyio-tcp-probe["
    assert problem in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(
    manifest: Manifest, pod: Pod, capsys: Output, taken_port: int
) -> None:
    """What listens there would answer in the worker's place, which in a pod it cannot."""
    file = manifest(pod(livenessProbe={"tcpSocket": {"port": taken_port}}))
    assert rehearse([file, "--", "sleep", "100"]) == 2
    assert f"expected nothing on port {taken_port} before the worker" in capsys.readouterr().err


def test_a_port_that_is_taken_and_refuses_is_told(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """A worker that is not well holds its port: this one could not listen there."""
    with tcp_probe.serve(0) as probe:
        probe.fail("not well")
        file = manifest(pod(livenessProbe={"tcpSocket": {"port": probe.port}}))
        assert rehearse([file, "--", "sleep", "100"]) == 2
        told = capsys.readouterr().err
    assert f"expected nothing on port {probe.port} before the worker is started" in told
    assert "holds it, though it refuses now" in told


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
    assert rehearse([file, "--for", "3", "--", *command]) == status
    assert told in capsys.readouterr().out


def test_what_is_passed_over_is_named(
    manifest: Manifest, pod: Pod, capsys: Output, free_port: int
) -> None:
    """Other containers, other pods, and what a process of this machine does not heed."""
    one = pod(
        {"initContainers": [{"name": "first", "image": "x"}], "hostAliases": []},
        resources={"limits": {"memory": "1Mi"}},
        livenessProbe={"tcpSocket": {"port": free_port}},
    )
    one["spec"]["containers"].append({"name": "beside", "image": "x"})
    one["spec"]["hostAliases"] = [{"ip": "192.0.2.1"}]
    one["spec"]["activeDeadlineSeconds"] = 60
    other = pod()
    other["metadata"]["name"] = "other"
    file = manifest(one, other)
    rehearse([file, "--for", "0", "--", "true"])
    assert capsys.readouterr().err.splitlines() == [
        (
            "tcp_probe: not rehearsed: init container first, container beside "
            "(--all-containers runs the whole pod)"
        ),
        "tcp_probe: not rehearsed: Pod other, container worker (--container NAME chooses)",
        (
            "tcp_probe: not heeded here: the image, resources, hostAliases, activeDeadlineSeconds; "
            "the environment of this shell is passed on"
        ),
    ]


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


def test_a_worker_that_hangs_at_the_end_is_not_well(file: str, capsys: Output) -> None:
    """Its queue still answers when the time is over, and soon would not."""
    assert rehearse([file, "--virtual", "--worker", "start=0,hang=10", "--for", "12"]) == 1
    output = capsys.readouterr().out
    assert "it stands still at the end, and only its queue answers checks" in output
    assert "to change: Rehearse longer (--for): it stands still" in output


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::", "[::1]"])
def test_a_probe_of_the_nodes_own_loopback_is_not_simulated(
    host: str, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """No worker could answer it."""
    file = manifest(pod(livenessProbe={"tcpSocket": {"port": 9090, "host": host}}))
    assert rehearse([file, "--virtual", "--worker", "start=0"]) == 2
    assert "the liveness probe names a host that to kubelet is its node's own" in (
        capsys.readouterr().err
    )


def test_a_probe_of_another_host_is_named(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """What answers there is not in the file."""
    probe = {"tcpSocket": {"port": 9090, "host": "10.1.2.3"}}
    assert rehearse([manifest(pod(livenessProbe=probe)), "--virtual", "--worker", "start=0"]) == 0
    told = "the liveness probe asks 10.1.2.3, not the pod: simulated as if the worker answered"
    assert told in " ".join(capsys.readouterr().err.split())

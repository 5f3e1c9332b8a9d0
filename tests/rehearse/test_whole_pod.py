from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]
FOR = ["--for", "12"]


def whole_pod(manifest: Manifest, pod: Pod, **fields: Any) -> str:
    python = [sys.executable, "-S", "-u", "-c"]
    handle = "import signal, sys; signal.signal(15, lambda *_: sys.exit(0))"
    stay = f"{handle}; print('here'); signal.pause()"
    document = pod(
        {
            "initContainers": [
                {"name": "first", "image": "x", "command": [*python, "print('done')"], **fields},
                {
                    "name": "proxy",
                    "image": "x",
                    "restartPolicy": "Always",
                    "command": [*python, stay],
                },
            ]
        },
        command=[*python, stay],
    )
    return manifest(document)


def test_the_whole_pod_is_run(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """Init containers in their order, sidecars, then the rest; each event names its container."""
    file = whole_pod(manifest, pod)
    assert rehearse([file, "--all-containers", "--for", "5", "--json"]) == 0
    captured = capsys.readouterr()
    told = [json.loads(line) for line in captured.out.splitlines()]
    assert [(each["container"], each["reason"]) for each in told] == [
        ("first", "Started"),
        ("first", "Exited"),
        ("proxy", "Started"),
        ("proxy", "Ready"),
        ("worker", "Started"),
        ("worker", "Ready"),
        ("first", "Summary"),
        ("proxy", "Summary"),
        ("worker", "Summary"),
    ]
    assert {"[first] done", "[proxy] here", "[worker] here"} <= set(captured.err.splitlines())


def test_the_whole_pod_is_told_as_one(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A timeline for each container, and one row of kubectl."""
    assert rehearse([whole_pod(manifest, pod), "--all-containers", "--for", "5"]) == 0
    output = capsys.readouterr().out
    assert "first (init container)\ncontainer  " in output
    assert "proxy (sidecar)\ncontainer  " in output
    assert output.splitlines()[-1].split() == ["worker", "2/2", "Running", "0", "5s"]


def test_an_init_container_that_fails_for_good_ends_the_pod(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """The others are never started."""
    fail = [sys.executable, "-S", "-c", "raise SystemExit(7)"]
    document = pod({"restartPolicy": "Never"}, command=["true"])
    document["spec"]["initContainers"] = [{"name": "first", "image": "x", "command": fail}]
    assert rehearse([manifest(document), "--all-containers", "--for", "60", "--json"]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    reasons = [each["reason"] for each in told if each["container"] == "worker"]
    assert reasons == ["Summary"]
    assert told[-2]["advice"] == "Mend what ends it with code 7."


def test_the_whole_pod_is_not_simulated(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A script describes one worker."""
    arguments = ["--virtual", "--worker", "start=0", "--all-containers"]
    assert rehearse([manifest(pod()), *arguments]) == 2
    assert "--all-containers runs real containers" in capsys.readouterr().err


def test_a_rule_may_restart_the_whole_pod(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """One container ends with the code of its rule, and the others are ended and started again."""
    python = [sys.executable, "-S", "-u", "-c"]
    handle = "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); signal.pause()"
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    ruled = {
        "name": "ruled",
        "image": "x",
        "command": [*python, "import time; time.sleep(2); raise SystemExit(42)"],
        "restartPolicy": "Never",
        "restartPolicyRules": [rule],
    }
    document = pod(command=[*python, handle])
    document["spec"]["containers"].append(ruled)
    arguments = [manifest(document), "--container", "worker", "--all-containers", "--json"]
    rehearse([*arguments, *FOR])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    reasons = [each["reason"] for each in told if each["container"] == "worker"]
    assert reasons[:6] == ["Started", "Ready", "Killing", "Exited", "NotReady", "Started"]
    messages = [each["message"] for each in told if each["container"] == "worker"]
    assert messages[2] == "killing"
    assert [each["restarts"] for each in told if each["container"] == "ruled"][-1] >= 1


def test_a_rule_runs_the_init_containers_again(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """In their order, before anything else starts; one that has ended for good starts, too."""
    python = [sys.executable, "-S", "-u", "-c"]
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    file = whole_pod(manifest, pod)
    document = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    never = {"image": "x", "restartPolicy": "Never"}
    document["spec"]["containers"] += [
        {
            **never,
            "name": "ruled",
            "command": [*python, "import time; time.sleep(2); raise SystemExit(42)"],
            "restartPolicyRules": [rule],
        },
        {**never, "name": "brief", "command": [*python, "print('brief')"]},
    ]
    rehearse([manifest(document), "--container", "worker", "--all-containers", "--json", *FOR])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    started = [each["container"] for each in told if each["reason"] == "Started"]
    assert started[:4] == ["first", "proxy", "worker", "ruled"]
    again = started[started.index("first", 1) :]
    assert started[: len(started) - len(again)].count("brief") == 1
    assert again[:5] == ["first", "proxy", "worker", "ruled", "brief"]
    at = next(each["time"] for each in told if each["reason"] == "Started" and each["restarts"])
    ends = [each for each in told if each["reason"] == "Exited" and each["time"] < at]
    assert {each["container"] for each in ends} == {"first", "proxy", "worker", "ruled", "brief"}

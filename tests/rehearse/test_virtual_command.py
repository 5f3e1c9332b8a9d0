from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]


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

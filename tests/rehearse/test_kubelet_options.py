from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def events(manifest: Manifest, pod: Pod, capsys: Output) -> Callable[..., list[dict[str, Any]]]:
    """Rehearse a worker that ends again and again, with these options."""

    def events(*options: str) -> list[dict[str, Any]]:
        rehearse(
            [
                manifest(pod()),
                "--virtual",
                "--worker",
                "exit=1:1",
                "--json",
                "--for",
                "900",
                *options,
            ]
        )
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return events


def delays(events: list[dict[str, Any]]) -> list[float]:
    return [event["delay"] for event in events if event["reason"] == "BackOff"]


def test_the_version_decides_on_words(events: Callable[..., list[dict[str, Any]]]) -> None:
    """The newest one that is known unless told."""
    assert events()[0]["message"] == "Container started"
    assert events("--kubernetes", "1.34")[0]["message"] == "Started container worker"


def test_the_version_decides_on_when_a_back_off_ends(
    events: Callable[..., list[dict[str, Any]]],
) -> None:
    """Up to 1.34 up to 15 s after it, whatever its length; later up to half of it."""

    def latest(*options: str) -> float:
        exited = 0.0
        late: list[float] = []
        delay = None
        for event in events(*options):
            if event["reason"] == "Exited":
                exited = event["time"]
            delay = event.get("delay", delay)
            if event["reason"] == "Started" and delay:
                late.append(event["time"] - exited - delay)
        assert all(each >= 0 for each in late)
        return max(late)

    assert latest("--kubernetes", "1.34") <= 15 < latest("--kubernetes", "1.35", "--seed", "3")


def test_a_node_may_shorten_the_back_off(events: Callable[..., list[dict[str, Any]]]) -> None:
    """To a longest one, or from the first one on."""
    assert delays(events("--max-restart-period", "30"))[:4] == [10, 20, 30, 30]
    assert delays(events("--reduced-decay"))[:8] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--kubernetes", "1.27"], "expected a version from 1.28 to 1.37, got '1.27'"),
        (["--kubernetes", "new"], "expected a version such as 1.37, got 'new'"),
        (["--max-restart-period", "0"], "expected a whole number of at least 1, got '0'"),
        (["--max-restart-period", "301"], "expected at most 300, got 301"),
        (
            ["--max-restart-period", "30", "--kubernetes", "1.31"],
            "--max-restart-period is known from 1.32 on, not in 1.31",
        ),
        (
            ["--reduced-decay", "--kubernetes", "1.32"],
            "--reduced-decay is known from 1.33 on, not in 1.32",
        ),
    ],
)
def test_a_kubelet_that_is_none_is_told(
    options: list[str], problem: str, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """As bad input, with what would be good."""
    assert rehearse([manifest(pod()), "--virtual", "--worker", "start=0", *options]) == 2
    assert problem in capsys.readouterr().err


def test_what_the_version_does_not_heed_is_told(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Beside the events."""
    file = manifest(pod(lifecycle={"stopSignal": "SIGUSR1"}))
    arguments = [file, "--virtual", "--worker", "start=0", "--for", "1"]
    rehearse([*arguments, "--kubernetes", "1.36"])
    assert "lifecycle.stopSignal is not heeded in Kubernetes 1.36" in capsys.readouterr().err
    rehearse(arguments)
    assert capsys.readouterr().err == ""


def test_an_init_container_whose_time_is_not_known_is_told(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """One that only sleeps holds up the start, any other is taken to be quick."""
    init = [
        {"name": "wait", "command": ["sleep", "30"]},
        {"name": "migrate", "command": ["migrate"]},
        {"name": "proxy", "restartPolicy": "Always"},
    ]
    file = manifest(pod({"initContainers": init}))
    rehearse([file, "--virtual", "--worker", "start=0", "--for", "40", "--json"])
    captured = capsys.readouterr()
    assert "init container migrate: how long it takes is not known" in captured.err
    assert captured.err.count("taken as 0 s") == 1
    assert "not rehearsed: sidecar proxy (one container is simulated)" in captured.err
    started = json.loads(captured.out.splitlines()[0])
    assert started["reason"] == "Started"
    assert 30 <= started["time"] <= 33


@pytest.mark.parametrize(
    ("command", "code"),
    [(["sh", "-c", "sleep 1; exit 3"], 3), (["tcp-probe", "check", "db:5432"], 1)],
)
def test_an_init_container_that_fails_is_told(
    command: list[str], code: int, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """The container after it is never started, which must not look well."""
    file = manifest(pod({"initContainers": [{"name": "setup", "command": command}]}))
    assert rehearse([file, "--virtual", "--worker", "start=0"]) == 2
    assert f"init container setup to end well, but its command ends with code {code}" in (
        capsys.readouterr().err
    )
    assert rehearse([file, "--virtual", "--worker", "exit=1:3", "--container", "setup"]) == 1


def test_what_a_simulation_takes_for_granted_is_told(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Unless the script says it, or the command can be followed."""
    drain, sleep = {"exec": {"command": ["drain"]}}, {"exec": {"command": ["sleep", "1"]}}
    probe = {"exec": {"command": ["is-alive"]}}

    def told(script: str, hooks: dict[str, Any]) -> list[str]:
        file = manifest(pod(livenessProbe=probe, lifecycle=hooks))
        rehearse([file, "--virtual", "--worker", script, "--for", "1", "--json"])
        return capsys.readouterr().err.splitlines()

    assert told("start=0", {"preStop": drain, "postStart": sleep}) == [
        (
            "tcp_probe: liveness probe: what 'is-alive' does is not known, "
            "taken to pass while the worker listens (exec= tells)"
        ),
        (
            "tcp_probe: preStop hook: how long 'drain' takes is not known, taken as 0 s "
            "(pre_stop= tells)"
        ),
    ]
    assert told("exec=0,pre_stop=3,post_start=1", {"preStop": drain, "postStart": drain}) == []

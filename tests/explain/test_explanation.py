from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

GOOD = {
    "ports": [{"name": "live", "containerPort": 9090}],
    "startupProbe": {
        "tcpSocket": {"port": "live"},
        "timeoutSeconds": 2,
        "periodSeconds": 2,
        "failureThreshold": 30,
    },
    "livenessProbe": {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2},
    "readinessProbe": {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2, "failureThreshold": 1},
}


def test_the_figures_and_findings_are_printed_as_json(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """All of it, with the seconds at least and at most."""
    assert explain([manifest(pod(**GOOD)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "kind": "Pod",
        "name": "worker",
        "container": "worker",
        "start": {"least": 58, "most": 61},
        "refuses": {
            "sigterm": {"least": 20, "most": 31},
            "new_container": {"least": 20, "most": 61},
            "not_ready": {"least": 0, "most": 10},
        },
        "stands_still": {
            "sigterm": {"least": 32, "most": 53},
            "new_container": {"least": 62, "most": 83},
            "not_ready": {"least": 12, "most": 32},
        },
        "stalls": {
            "sigterm": {"least": 30, "most": 47.2},
            "new_container": {"least": 60, "most": 77.2},
            "not_ready": {"least": 10, "most": 26.2},
        },
        "ready_again": {"least": 0, "most": 10},
        "grace": 30,
        "back_off": {
            "delays": [10, 20, 40, 80, 160, 300],
            "late_by_up_to": 15,
            "forgotten_after": 600,
        },
        "findings": [],
    }


def test_backlog_and_stall_timeout_are_those_of_the_worker(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """They decide how long a worker that stands still is taken for alive."""
    options = ["--json", "--backlog", "20", "--stall-timeout", "30"]
    explain([manifest(pod(**GOOD)), *options])
    explained = json.loads(capsys.readouterr().out)
    assert explained["stands_still"]["sigterm"] == {"least": 122, "most": 143}
    assert explained["stalls"]["sigterm"] == {"least": 50, "most": 79.6}


def test_the_explanation_can_be_read(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """In sentences and a table, with nothing to remark where all is well."""
    assert explain([manifest(pod(**GOOD))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Pod worker, container worker"
    assert "A start is killed after 58 to 61 s without an answer." in lines
    rows = {line.split("   ")[0]: line.split()[-12:] for line in lines if " to " in line}
    assert " ".join(rows["the port refuses"]) == "20 to 31 s 20 to 61 s 0 to 10 s"
    assert "the process stands still (backlog 2)" in rows
    assert "the event loop stalls (stall_timeout 10 s)" in rows
    assert "Ready again 0 to 10 s after checks pass again." in lines
    assert any("10, 20, 40, 80, 160, 300 s, up to 15 s late" in line for line in lines)
    assert lines[-1] == "nothing found that is worth a change"


def test_a_container_without_probes_is_explained_too(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Nothing happens to it."""
    assert explain([manifest(pod())]) == 0
    output = capsys.readouterr().out
    assert "A start may take as long as it likes." in output
    assert "Ready again" not in output
    assert "info: no-liveness  spec.containers[0], line " in output


def test_an_error_is_told_by_the_exit_status(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A warning is not one."""
    dead = {"tcpSocket": {"port": "dead"}}
    assert explain([manifest(pod(livenessProbe=dead))]) == 1
    output = capsys.readouterr().out
    assert "error: named-port  spec.containers[0].livenessProbe.tcpSocket.port, line " in output
    assert "\n  -> write the name or the number" in output
    short = {"tcpSocket": {"port": 9090}}
    assert explain([manifest(pod(livenessProbe=short))]) == 0
    assert "warning: short-tcp-timeout" in capsys.readouterr().out


def test_with_a_wrong_type_there_are_findings_but_no_figures(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """What cannot be read cannot be counted with."""
    file = manifest(pod(livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": "5"}))
    assert explain([file, "--json"]) == 1
    explained = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in explained["findings"]] == ["wrong-type"]
    assert explained["start"] is None
    assert "refuses" not in explained
    assert explain([file]) == 1
    assert "expected a whole number, got '5'" in capsys.readouterr().out


def test_what_is_well_formed_but_impossible_is_bad_input(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """A period below 0 has the right type, and no meaning."""
    file = manifest(pod(livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": -1}))
    assert explain([file]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"tcp_probe: {file}:")
    assert captured.err.count("\n") == 1


def test_one_container_is_chosen(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """By its name."""
    document = pod(**GOOD)
    document["spec"]["containers"].append({"name": "other"})
    assert explain([manifest(document), "--container", "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["container"] == "other"

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Fields = dict[str, Any]
Output = pytest.CaptureFixture[str]


def test_the_figures_and_findings_are_printed_as_json(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """One object, the containers in it, with the seconds at least and at most."""
    file = manifest(pod(**good), {"kind": "Secret", "metadata": {"name": "key"}})
    assert explain([file, "--json", "--tcp-probe"]) == 0
    told = json.loads(capsys.readouterr().out)
    [container] = told.pop("containers")
    assert told == {
        "manifest": file,
        "kubernetes": "1.37",
        "findings": [],
        "passed_over": [{"kind": "Secret", "name": "key", "line": 28}],
        "back_off": {
            "delays": [10, 20, 40, 80, 160, 300],
            "late_by_up_to": [6, 11, 21, 31, 31, 31],
            "forgotten_after": 600,
        },
        "errors": 0,
        "warnings": 0,
        "infos": 0,
    }
    assert container == {
        "kind": "Pod",
        "name": "worker",
        "namespace": None,
        "container": "worker",
        "role": "container",
        "line": 7,
        "tcp_probe": True,
        "start": {"least": 58, "most": 61},
        "refuses": {
            "killed": {"least": 20, "most": 31},
            "sigterm": {"least": 20, "most": 31},
            "new_container": {"least": 20, "most": 61},
            "not_ready": {"least": 0, "most": 10},
        },
        "stands_still": {
            "killed": {"least": 32, "most": 53},
            "sigterm": {"least": 32, "most": 53},
            "new_container": {"least": 62, "most": 83},
            "not_ready": {"least": 12, "most": 32},
        },
        "stalls": {
            "killed": {"least": 30, "most": 47.2},
            "sigterm": {"least": 30, "most": 47.2},
            "new_container": {"least": 60, "most": 77.2},
            "not_ready": {"least": 10, "most": 26.2},
        },
        "ready_again": {"least": 0, "most": 10},
        "grace": 30,
        "findings": [],
    }


@pytest.mark.parametrize(
    "options", [["--backlog", "20", "--stall-timeout", "30"], ["--backlog", "20", "--tcp-probe"]]
)
def test_backlog_and_stall_timeout_are_those_of_the_worker(
    options: list[str], manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """They decide how long a worker that stands still is taken for alive."""
    explain([manifest(pod(**good)), "--json", *options])
    [explained] = json.loads(capsys.readouterr().out)["containers"]
    assert explained["stands_still"]["sigterm"] == {"least": 122, "most": 143}
    late = {"least": 50, "most": 79.6} if "30" in options else {"least": 30, "most": 47.2}
    assert explained["stalls"]["sigterm"] == late


def test_what_belongs_to_tcp_probe_is_told_of_its_workers_only(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """Of another worker it is not known how many connections the kernel takes for it."""
    explain([manifest(pod(**good))])
    output = capsys.readouterr().out
    assert "the port refuses  20 to 31 s" in output
    assert "backlog" not in output
    assert "stands still  " not in output
    assert "stall" not in output
    explain([manifest(pod(**good, command=["python", "-c", "import tcp_probe"]))])
    output = capsys.readouterr().out
    assert "the process stands still (backlog 2)" in output
    assert "the loop stalls: a synchronous call does not return." in output
    page = {"livenessProbe": {"httpGet": {"port": "live"}}}
    explain([manifest(pod(**{**good, **page}))])
    assert "the process stands still  21 to 32 s" in capsys.readouterr().out


def test_where_nothing_is_restarted_no_new_container_is_told_of(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """As in a Job whose restartPolicy is Never: there is none, at once or later."""
    explain([manifest(pod({"restartPolicy": "Never"}, **good))])
    output = " ".join(capsys.readouterr().out.split())
    assert "the port refuses 20 to 31 s none 0 to 10 s" in output
    assert "No new container follows, as the restartPolicy is Never." in output
    for word in ("gets its new container", "Back-off", "restarts at once"):
        assert word not in output


def test_rules_may_restart_what_its_policy_does_not(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """Which one holds then depends on the exit code: the manifest does not tell."""
    codes = {"operator": "In", "values": [42]}
    fields = {
        "restartPolicy": "Never",
        "restartPolicyRules": [{"action": "Restart", "exitCodes": codes}],
    }
    explain([manifest(pod(**good, **fields))])
    output = " ".join(capsys.readouterr().out.split())
    assert "the port refuses 20 to 31 s - 0 to 10 s" in output
    assert "Back-off" in output


def test_without_a_readiness_probe_it_is_ready_to_its_end(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """As a rehearsal shows it; that is known, unlike what a command would do."""
    explain([manifest(pod(**{**good, "readinessProbe": None}))])
    output = " ".join(capsys.readouterr().out.split())
    assert "the port refuses 20 to 31 s 20 to 61 s at its end" in output
    assert "Without a readinessProbe it is ready until it ends." in output
    explain([manifest(pod(**good))])
    assert "Without a readinessProbe" not in capsys.readouterr().out


def test_the_explanation_can_be_read(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """In sentences and a table with a legend, with nothing to remark where all is well."""
    assert explain([manifest(pod(**good), {"kind": "Secret"}), "--tcp-probe"]) == 0
    output = capsys.readouterr().out
    lines = output.splitlines()
    assert lines[0] == "Pod worker, container worker"
    assert "A start that does not answer is killed after 58 to 61 s." in lines
    assert re.search(r"^the port refuses +20 to 31 s +20 to 61 s +0 to 10 s$", output, re.MULTILINE)
    assert "Ready again 0 to 10 s after checks pass again." in lines
    assert any("10, 20, 40, 80, 160, 300 s, late by up to 6" in line for line in lines)
    assert "How to read this" in lines
    assert "Passed over, as no pod is in them: Secret secret." in lines
    assert lines[-1] == "nothing found that is worth a change, in 1 container"


def test_hooks_are_in_the_figures(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """A sleep before SIGTERM comes on top; of another hook it is said that it may take all."""
    explain([manifest(pod(**good, lifecycle={"preStop": {"sleep": {"seconds": 5}}}))])
    output = capsys.readouterr().out
    assert "the port refuses  25 to 36 s  25 to 61 s" in output
    assert "Before SIGTERM the preStop hook sleeps 5 s. There are 30 s for all" in output
    explain([manifest(pod(**good, lifecycle={"preStop": {"exec": {"command": ["drain"]}}}))])
    output = capsys.readouterr().out
    assert "the port refuses  20 to 61 s  20 to 63 s" in output
    assert "Before SIGTERM the preStop hook runs its command" in output
    explain([manifest(pod(**good, lifecycle={"preStop": {"httpGet": {"port": "live"}}}))])
    assert "the preStop hook gets its page" in capsys.readouterr().out


def test_a_container_without_probes_is_explained_too(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Nothing happens to it, and an init container has to end."""
    setup = {"name": "setup", "image": "setup"}
    assert explain([manifest(pod({"initContainers": [setup]}))]) == 0
    output = capsys.readouterr().out
    assert "A start may take as long as it likes." in output
    assert "Ready again" not in output
    assert "How to read this" not in output
    assert "info: no-liveness\n  spec.containers[0], line 7\n" in output
    assert "Pod worker, init container setup\nNo probe watches it" in output
    assert output.endswith("1 info in 2 containers\n")

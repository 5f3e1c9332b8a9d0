from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain import explainer
from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Fields = dict[str, Any]
Output = pytest.CaptureFixture[str]

SHORT = {"tcpSocket": {"port": 9090}}
DEAD = {"tcpSocket": {"port": "dead"}}


def test_an_error_is_told_by_the_exit_status(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A warning is not one, but with --strict."""
    assert explain([manifest(pod(livenessProbe=DEAD))]) == 1
    output = capsys.readouterr().out
    assert "error: named-port\n  spec.containers[0].livenessProbe.tcpSocket.port, line " in output
    assert "\n  -> write the name or the number" in output
    short = manifest(pod(livenessProbe=SHORT))
    assert explain([short]) == 0
    assert "warning: short-tcp-timeout" in capsys.readouterr().out
    assert explain([short, "--strict"]) == 1
    assert explain([manifest(pod()), "--strict"]) == 0


def test_what_cannot_be_understood_hides_nothing_else(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """A container without figures has findings, and so have all the others."""
    broken = pod(livenessProbe={"tcpSocket": {"port": 1}, "periodSeconds": "5"})
    headless = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    file = manifest(broken, headless, pod(livenessProbe=DEAD))
    assert explain([file, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    first, second = told["containers"]
    assert [finding["rule"] for finding in first["findings"]] == ["wrong-type"]
    assert (first["start"], first["grace"]) == (None, None)
    assert "refuses" not in first
    assert second["findings"][0]["rule"] == "named-port"
    [finding] = told["findings"]
    assert (finding["kind"], finding["name"], finding["rule"]) == (
        "Deployment",
        "a",
        "missing-field",
    )
    assert explain([file]) == 1
    output = capsys.readouterr().out
    assert "expected a whole number, got '5'" in output
    assert "Deployment a, as a whole\n\nerror: missing-field" in output


def test_what_the_api_server_refuses_is_an_error(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """Each mistake once, although several parts of the program come across it."""
    probe = {"tcpSocket": {"port": 1}, "periodSeconds": -1}
    assert explain([manifest(pod(livenessProbe=probe)), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    [finding] = told["containers"][0]["findings"]
    assert finding["rule"] == "refused"
    assert "expected a whole number from 0 to 2147483647, got -1" in finding["reason"]


def test_a_hook_that_always_fails_is_an_error(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """The API server takes a tcpSocket hook, but kubelet has none."""
    for name, more in (("postStart", "the container is killed, again"), ("preStop", "each time")):
        lifecycle = {name: {"tcpSocket": {"port": 9090}}}
        assert explain([manifest(pod(**good, lifecycle=lifecycle)), "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        finding = told["containers"][0]["findings"][0]
        assert finding["rule"] == "tcp-hook"
        assert more in finding["reason"]


def test_the_version_of_the_cluster_counts(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """What is newer is an error there, and a remark where the version is not known."""
    file = manifest(pod(**good, lifecycle={"preStop": {"sleep": {"seconds": 3}}}))
    assert explain([file]) == 0
    assert "info: newer-field" in capsys.readouterr().out
    assert explain([file, "--kubernetes", "1.28"]) == 1
    assert "1.28 does not know it" in capsys.readouterr().out
    assert explain([file, "--kubernetes", "1.29"]) == 1
    assert "Kubernetes 1.29 does not heed it unless a" in capsys.readouterr().out
    assert explain([file, "--kubernetes", "v1.30.2"]) == 0
    assert "newer-field" not in capsys.readouterr().out
    for version in ("1.9", "2.30", "new"):
        assert explain([file, "--kubernetes", version]) == 2
        assert "expected a version" in capsys.readouterr().err


def test_only_so_many_findings_are_shown(manifest: Manifest, pod: Pod, capsys: Output) -> None:
    """A file with a thousand mistakes has others first."""
    document = pod(**{f"field{number}": 1 for number in range(200)})
    document["spec"]["containers"] *= 2
    assert explain([manifest(document), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["containers"][0]["findings"]
    assert len(findings) == 101
    assert findings[-1]["rule"] == "too-many"
    assert findings[-1]["reason"] == "101 more findings are not shown"


def test_what_would_take_for_ever_is_refused(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pod of thousands of containers, a list of thousands of items, or any file after minutes."""
    crowd = pod()
    crowd["spec"]["containers"] *= 201
    assert explain([manifest(crowd)]) == 1
    assert "expected at most 200 items, got 201" in capsys.readouterr().out
    assert explain([manifest(pod(env=[{"name": "A"}] * 2001))]) == 2
    assert "expected at most 2,000 items, got 2,001" in capsys.readouterr().err
    monkeypatch.setattr(explainer, "MOST_SECONDS", -1)
    assert explain([manifest(pod())]) == 2
    assert "expected to be done in -1 s: explain it in parts" in capsys.readouterr().err

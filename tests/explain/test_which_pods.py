from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Fields = dict[str, Any]
Output = pytest.CaptureFixture[str]

DEAD = {"tcpSocket": {"port": "dead"}}


def test_every_container_of_every_pod_is_explained(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """Or one of them by its name, in every pod or in one."""
    document = pod({"initContainers": [{"name": "setup", "image": "setup"}]}, **good)
    document["spec"]["containers"].append({"name": "other", "image": "other"})
    second = pod(**good)
    second["metadata"] = {"name": "second"}
    file = manifest(document, second)

    def explained(*options: str) -> list[str]:
        explain([file, "--json", *options])
        told = json.loads(capsys.readouterr().out)["containers"]
        return [f"{each['name']}/{each['container']}" for each in told]

    everything = ["worker/setup", "worker/worker", "worker/other", "second/worker"]
    assert explained() == everything
    assert explained("--container", "other") == ["worker/other"]
    assert explained("--container", "worker") == ["worker/worker", "second/worker"]
    assert explained("--container", "second/worker") == ["second/worker"]
    assert explain([file, "--container", "none"]) == 2
    assert "expected a container 'none', found worker/setup" in capsys.readouterr().err


def test_a_template_of_another_kind_is_explained(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """Where it is said to be; what it has of its own may be right, and is a warning at most."""
    spec = {**pod(**good)["spec"], "containerConcurrency": 1}
    rollout = {"kind": "Rollout", "metadata": {"name": "a"}}
    rollout["spec"] = {"template": {"spec": spec}}
    assert explain([manifest(rollout)]) == 2
    error = capsys.readouterr().err
    assert "found Rollout; a pod seems to be in it: --template spec.template" in error
    assert explain([manifest(rollout), "--template", "spec.template", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["containers"][0]["kind"] == "Rollout"
    assert [finding["rule"] for finding in told["findings"]] == ["unknown-field"]
    assert told["findings"][0]["level"] == "info"
    probe = {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2, "periodSecond": 1}
    spec["containers"][0].update(livenessProbe=probe, image="")
    assert explain([manifest(rollout), "--template", "spec.template", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["containers"][0]
    found = {finding["rule"]: finding["level"] for finding in told["findings"]}
    assert found == {"unknown-field": "warning", "refused": "warning"}
    bare = {"kind": "Worker", **{name: pod(**good)[name] for name in ("metadata", "spec")}}
    assert explain([manifest(bare), "--template", "."]) == 0


def test_what_knative_fills_in_need_not_be_there(manifest: Manifest, capsys: Output) -> None:
    """A container has no name there, and a probe has its only port."""
    page = {"httpGet": {"path": "/"}}
    container = {"image": "a", "ports": [{"containerPort": 80}], "livenessProbe": page}
    service = {"kind": "Service", "spec": {"template": {"spec": {"containers": [container]}}}}
    service["apiVersion"] = "serving.knative.dev/v1"
    assert explain([manifest(service), "--template", "spec.template", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["containers"]
    assert told["refuses"]["killed"] == {"least": 20, "most": 31}
    assert {each["level"] for each in told["findings"] if each["rule"] == "missing-field"} == {
        "info"
    }
    container["livenessProbe"] = {"tcpSocket": {"port": 81}}
    assert explain([manifest(service), "--template", "spec.template", "--json"]) == 0
    assert "81 is none of the ports" in capsys.readouterr().out


def test_a_pod_that_is_passed_over_is_named(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """It seems to be in a kind that is not known, and may be as red as any."""
    rollout = {"kind": "Rollout", "spec": {"template": {"spec": pod(livenessProbe=DEAD)["spec"]}}}
    file = manifest(pod(**good), rollout)
    assert explain([file]) == 0
    assert "warning: not-explained" in capsys.readouterr().out
    assert explain([file, "--strict"]) == 1
    assert "explain it with --template spec.template" in capsys.readouterr().out
    assert explain([file, "--template", "spec.template"]) == 1
    assert explain([manifest(rollout, {"kind": "Secret"}), "--template", "spec.pod"]) == 2
    wrong = {"kind": "Rollout", "spec": "none"}
    assert explain([manifest(pod(**good), wrong), "--template", "spec.template"]) == 0
    assert "Passed over, as no pod is in them: Rollout rollout." in capsys.readouterr().out


def test_a_kind_of_another_group_is_another_kind(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """It may have its pods elsewhere; a kind in small letters is none at all."""
    spec = pod(**good)["spec"]
    other = {"kind": "Job", "metadata": {"name": "work"}, "spec": {"template": {"spec": spec}}}
    file = manifest(pod(**good), {**other, "apiVersion": "batch.example.com/v1"})
    assert explain([file]) == 0
    assert "warning: not-explained" in capsys.readouterr().out
    assert explain([file, "--template", "spec.template", "--strict"]) == 0
    small = manifest(pod(**good), {**other, "apiVersion": "batch/v1", "kind": "job"})
    assert explain([small]) == 1
    assert "there is no kind job\n  -> kind: Job" in capsys.readouterr().out

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.handlers import TcpSocket
from tcp_probe.kubelet.restart_policy import RestartRule
from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.workload import load

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]

TCP = {"tcpSocket": {"port": 9090}}


def template(pod: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {}, "spec": pod["spec"]}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_the_pod_of_a_controller_is_found(kind: str, manifest: Manifest, pod: Pod) -> None:
    """It stands in spec.template."""
    file = manifest(
        {
            "kind": kind,
            "metadata": {"name": "w"},
            "spec": {"template": template(pod(livenessProbe=TCP))},
        }
    )
    workload = load(file)
    assert (workload.choice.kind, workload.choice.name) == (kind, "w")
    assert workload.handlers == {"liveness": TcpSocket(9090)}


@pytest.mark.parametrize("policy", ["OnFailure", "Never"])
def test_the_pod_of_a_job_is_found(policy: str, manifest: Manifest, pod: Pod) -> None:
    """A Job's stands in spec.template, a CronJob's one level deeper; both say when to restart."""
    job = {"spec": {"template": template(pod({"restartPolicy": policy}, livenessProbe=TCP))}}
    for document in ({"kind": "Job", **job}, {"kind": "CronJob", "spec": {"jobTemplate": job}}):
        workload = load(manifest(document))
        assert workload.container.restart_policy == policy
        assert workload.choice.name == str(document["kind"]).lower()


def test_lists_and_several_documents_are_searched(manifest: Manifest, pod: Pod) -> None:
    """Other kinds and empty documents are passed over, and the first probe is found."""
    listed = {"kind": "List", "items": [{"kind": "Service"}, pod(), pod(livenessProbe=TCP)]}
    workload = load(manifest("", {"kind": "ConfigMap"}, listed))
    assert [probe.kind for probe in workload.container.probes] == ["liveness"]
    assert str(workload.choice.container) == "items[2].spec.containers[0]"


def test_json_is_read_too(manifest: Manifest, pod: Pod) -> None:
    """A manifest in JSON is as good as one in YAML."""
    workload = load(manifest(json.dumps(pod(readinessProbe=TCP))))
    assert workload.handlers == {"readiness": TcpSocket(9090)}


def test_the_standard_input_is_read(
    manifest: Manifest, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name - stands for it."""
    data = json.dumps(pod(livenessProbe=TCP)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert load("-").handlers == {"liveness": TcpSocket(9090)}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"kind: [")))
    with pytest.raises(ManifestError, match=r"^<stdin>:\d: "):
        load("-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"kind: Secret")))
    with pytest.raises(ManifestError, match=r"^<stdin>: expected a Pod, .* found Secret$"):
        load("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ManifestError, match=r"^<stdin>: expected a readable file, but: is closed$"):
        load("-")


def test_command_and_environment_are_read_and_expanded(manifest: Manifest, pod: Pod) -> None:
    """$(NAME) is replaced where the name is known, as Kubernetes does; the rest is reported."""
    workload = load(
        manifest(
            pod(
                command=["python", "-m", "worker"],
                args=["--port=$(PORT)", "$(KEY)", "$$(PORT)"],
                env=[
                    {"name": "PORT", "value": "9090"},
                    {"name": "URL", "value": "http://localhost:$(PORT)/"},
                    {"name": "EMPTY"},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                envFrom=[{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}],
            )
        )
    )
    assert workload.command == ("python", "-m", "worker", "--port=9090", "$(KEY)", "$(PORT)")
    assert workload.env == {"PORT": "9090", "URL": "http://localhost:9090/", "EMPTY": ""}
    assert workload.unresolved == ("all of configMap settings", "all of secret keys", "KEY")


def test_without_a_command_the_image_decides(manifest: Manifest, pod: Pod) -> None:
    """Arguments alone cannot be run here."""
    assert load(manifest(pod(args=["--port=9090"]))).command == ()


def test_a_shared_process_namespace_is_read(manifest: Manifest, pod: Pod) -> None:
    """In one the worker is not PID 1."""
    assert load(manifest(pod({"shareProcessNamespace": True}))).shares_processes
    assert not load(manifest(pod())).shares_processes


def test_dates_and_merged_mappings_are_read_as_kubernetes_does(manifest: Manifest) -> None:
    """A date is text, and a merge key fills in what is not given."""
    workload = load(
        manifest(
            """
kind: Pod
metadata: {name: 2020-01-01}
spec:
  containers:
  - &first {name: first, command: [a]}
  - {<<: *first, name: second, livenessProbe: {tcpSocket: {port: 1}}}
"""
        )
    )
    assert workload.choice.name == "2020-01-01"
    assert workload.container.name == "second"
    assert workload.command == ("a",)


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGRTMIN+3"])
def test_a_stop_signal_is_read(name: str, manifest: Manifest, pod: Pod) -> None:
    """By its name; one that does not exist is told."""
    assert load(manifest(pod(lifecycle={"stopSignal": name}))).container.stop_signal == name
    for wrong in ("USR1", "SIGNAL", "SIGUSR1;"):
        with pytest.raises(ManifestError, match=f"a signal such as SIGUSR1 .*, got '{wrong}'"):
            load(manifest(pod(lifecycle={"stopSignal": wrong})))


def test_a_containers_own_restart_policy_is_read(manifest: Manifest, pod: Pod) -> None:
    """With its rules, beside the policy of the pod."""
    rule = {"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [1, 2]}}
    own = {"restartPolicy": "Never", "restartPolicyRules": [rule]}
    container = load(manifest(pod({"restartPolicy": "OnFailure"}, **own))).container
    assert (container.restart_policy, container.own_restart_policy) == ("OnFailure", "Never")
    assert container.restart_rules == (RestartRule("Restart", frozenset({1, 2}), negated=True),)


def test_the_pod_is_named_as_kubelet_names_it(manifest: Manifest, pod: Pod) -> None:
    """With its namespace; it gets its UID only in a cluster."""
    document = {**pod(), "metadata": {"name": "w", "namespace": "lab"}}
    assert load(manifest(document)).container.pod.startswith("w_lab(00000000-")

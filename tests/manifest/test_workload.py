from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.handlers import Exec, Grpc, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.restart_policy import RestartRule
from tcp_probe.kubelet.steps import Container
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


def several(pod: dict[str, Any]) -> dict[str, Any]:
    pod["spec"]["containers"] = [
        {"name": "proxy"},
        {"name": "worker", "livenessProbe": TCP},
        {"name": "other", "readinessProbe": {"tcpSocket": {"port": 8080}}},
    ]
    return pod


def test_the_first_container_with_a_probe_is_taken(manifest: Manifest, pod: Pod) -> None:
    """It need not be the first one of the pod."""
    workload = load(manifest(several(pod())))
    assert workload.container.name == "worker"
    assert not workload.container.alone


def test_a_container_is_taken_by_its_name(manifest: Manifest, pod: Pod) -> None:
    """Also one without a probe."""
    file = manifest(several(pod()))
    assert load(file, "other").handlers == {"readiness": TcpSocket(8080)}
    assert load(file, "proxy").handlers == {}


def test_without_any_probe_the_first_container_is_taken(manifest: Manifest, pod: Pod) -> None:
    """It can be rehearsed, too: it may end by itself."""
    workload = load(manifest(pod()))
    assert workload.container == Container("worker", pod=workload.container.pod)


def test_a_sidecar_can_be_taken(manifest: Manifest, pod: Pod) -> None:
    """An init container that is restarted always is one; it restarts whatever the pod says."""
    file = manifest(
        pod(
            {
                "restartPolicy": "Never",
                "initContainers": [
                    {"name": "setup"},
                    {"name": "sidecar", "restartPolicy": "Always", "livenessProbe": TCP},
                ],
            }
        )
    )
    assert load(file).container.name == "sidecar"
    assert load(file).container.restart_policy == "Always"
    assert load(file).container.sidecar


def test_an_init_container_can_be_taken(manifest: Manifest, pod: Pod) -> None:
    """One that ends well has done its work, whatever the pod says; it cannot have a probe."""
    setup: dict[str, Any] = {"name": "setup"}
    file = manifest(pod({"initContainers": [setup]}))
    assert load(file, "setup").container.restart_policy == "OnFailure"
    never = manifest(pod({"restartPolicy": "Never", "initContainers": [setup]}))
    assert load(never, "setup").container.restart_policy == "Never"
    probed = manifest(pod({"initContainers": [{**setup, "livenessProbe": TCP}]}))
    with pytest.raises(ManifestError, match="expected none: of init containers only one with"):
        load(probed, "setup")


def test_defaults_are_those_of_kubernetes(manifest: Manifest, pod: Pod) -> None:
    """Period 10, timeout 1, no delay, 1 success, 3 failures, 30 s of grace, restarts always."""
    workload = load(manifest(pod(livenessProbe=TCP)))
    assert workload.container == Container(
        "worker",
        (Probe("liveness", 10, 1, 0, 1, 3, None),),
        30,
        "Always",
        pod=workload.container.pod,
    )


def test_every_figure_of_a_probe_is_read(manifest: Manifest, pod: Pod) -> None:
    """Of all three probes, and the grace of the pod."""
    figures = {"periodSeconds": 2, "timeoutSeconds": 3, "initialDelaySeconds": 4}
    workload = load(
        manifest(
            pod(
                {"terminationGracePeriodSeconds": 40},
                startupProbe={**TCP, **figures, "failureThreshold": 20},
                livenessProbe={**TCP, **figures, "terminationGracePeriodSeconds": 15},
                readinessProbe={**TCP, **figures, "successThreshold": 2},
            )
        )
    )
    assert workload.container.grace == 40
    assert workload.container.probes == (
        Probe("startup", 2, 3, 4, 1, 20),
        Probe("liveness", 2, 3, 4, 1, 3, 15),
        Probe("readiness", 2, 3, 4, 2, 3),
    )


def test_named_ports_are_resolved(manifest: Manifest, pod: Pod) -> None:
    """A name stands for one of the container's ports; a number may be written as text."""
    ports = [{"name": "live", "containerPort": 9090}, {"containerPort": 8080}]
    workload = load(
        manifest(
            pod(
                ports=ports,
                livenessProbe={"tcpSocket": {"port": "live"}},
                readinessProbe={"httpGet": {"port": "8080"}},
            )
        )
    )
    assert workload.handlers == {"liveness": TcpSocket(9090), "readiness": HttpGet(8080)}
    assert workload.ports == (9090, 8080)


def test_every_handler_is_read(manifest: Manifest, pod: Pod) -> None:
    """TcpSocket, httpGet and exec, with all that they can say."""
    page = {
        "port": 8443,
        "host": "10.0.0.1",
        "path": "/live",
        "scheme": "HTTPS",
        "httpHeaders": [{"name": "X-Probe", "value": "1"}],
    }
    workload = load(
        manifest(
            pod(
                startupProbe={"exec": {"command": ["cat", "/ready"]}},
                livenessProbe={"httpGet": page},
                readinessProbe={"tcpSocket": {"port": 9090, "host": "::1"}},
            )
        )
    )
    assert workload.handlers == {
        "startup": Exec(("cat", "/ready")),
        "liveness": HttpGet(8443, "10.0.0.1", "/live", "HTTPS", (("X-Probe", "1"),)),
        "readiness": TcpSocket(9090, "::1"),
    }


@pytest.mark.parametrize(
    ("hook", "read"),
    [
        ({"sleep": {"seconds": 3}}, Sleep(3)),
        ({"exec": {"command": ["drain"]}}, Exec(("drain",))),
        ({"httpGet": {"port": 8080, "path": "drain"}}, HttpGet(8080, path="drain")),
    ],
)
def test_a_hook_before_sigterm_is_read(
    hook: dict[str, Any], read: Any, manifest: Manifest, pod: Pod
) -> None:
    """It may sleep, run a command or get a page."""
    workload = load(manifest(pod(lifecycle={"preStop": hook})))
    assert workload.pre_stop == read
    assert workload.container.pre_stop


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


def test_zero_stands_for_the_default(manifest: Manifest, pod: Pod) -> None:
    """As the API server fills it in; so do an empty path and scheme."""
    zeros = ("periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
    page = {"httpGet": {"port": 80, "path": "", "scheme": ""}}
    workload = load(manifest(pod(readinessProbe={**page, **dict.fromkeys(zeros, 0)})))
    assert workload.container.probes == (Probe("readiness", 10, 1, 0, 1, 3, None),)
    assert workload.handlers == {"readiness": HttpGet(80)}


def test_a_grpc_probe_is_read(manifest: Manifest, pod: Pod) -> None:
    """Its port is a number, its service may be left out."""
    probes = {
        "livenessProbe": {"grpc": {"port": 9000}},
        "readinessProbe": {"grpc": {"port": 9000, "service": "work"}},
    }
    assert load(manifest(pod(**probes))).handlers == {
        "liveness": Grpc(9000),
        "readiness": Grpc(9000, service="work"),
    }


def test_hooks_are_read(manifest: Manifest, pod: Pod) -> None:
    """Both of them; a tcpSocket is taken, as by the API, though it always fails."""
    lifecycle = {"postStart": {"tcpSocket": {"port": 9090}}, "preStop": {"sleep": {"seconds": 3}}}
    workload = load(manifest(pod(lifecycle=lifecycle)))
    assert (workload.post_start, workload.pre_stop) == (TcpSocket(9090), Sleep(3))
    assert workload.container.post_start
    assert workload.container.pre_stop


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


def test_a_probes_command_gets_variables_as_they_are_written(manifest: Manifest, pod: Pod) -> None:
    """One from elsewhere is empty; a hook's command gets none at all."""
    env = [
        {"name": "PORT", "value": "9090"},
        {"name": "URL", "value": "http://localhost:$(PORT)"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "EMPTY"},
    ]
    words = ["check", "$(PORT)", "$(URL)", "x$(KEY)$(EMPTY)", "$(OTHER)", "$$(PORT)", "kill $$"]
    command = {"exec": {"command": words}}
    workload = load(manifest(pod(env=env, livenessProbe=command, lifecycle={"preStop": command})))
    assert workload.handlers["liveness"] == Exec(
        ("check", "9090", "http://localhost:$(PORT)", "x", "$(OTHER)", "$(PORT)", "kill $")
    )
    assert workload.pre_stop == Exec(tuple(words))

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.handlers import Exec, Grpc, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.prober import Probe
from tcp_probe.kubelet.steps import Container
from tcp_probe.manifest.documents import Document
from tcp_probe.manifest.fields import Field
from tcp_probe.manifest.probe_fields import host_of
from tcp_probe.manifest.workload import load

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]

TCP = {"tcpSocket": {"port": 9090}}


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


@pytest.mark.parametrize(
    ("probe", "host"),
    [
        ({"tcpSocket": {"port": 80, "host": "10.1.2.3"}}, "10.1.2.3"),
        ({"httpGet": {"port": 80, "host": "localhost"}}, "localhost"),
        ({"tcpSocket": {"port": 80, "host": ""}}, None),
        ({"httpGet": {"port": 80}}, None),
        ({"grpc": {"port": 80, "host": "localhost"}}, None),
        ({"exec": {"command": ["check"]}}, None),
    ],
)
def test_a_probe_asks_the_pod_unless_it_names_a_host(
    probe: dict[str, Any], host: str | None
) -> None:
    """An empty one is none, and a grpc probe has no such field."""
    field = host_of(Field(Document("a.yaml", probe, 1)))
    assert (field and field.text()) == host

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding

Found = Callable[..., dict[str, Finding]]

Pod = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.1.2.3", "::1"])
def test_on_the_network_of_the_node_its_own_address_is_right(host: str, found: Found) -> None:
    """There the pod is at home, which is worth a remark itself."""
    probe = {"httpGet": {"port": "live", "host": host}}
    assert "loopback-host" in found(livenessProbe=probe)
    findings = found({"hostNetwork": True}, livenessProbe=probe)
    assert "loopback-host" not in findings
    assert findings["host-network"].level == "warning"
    assert findings["host-network"].field == "spec.hostNetwork"
    assert "host-network" not in found({"hostNetwork": False})


@pytest.mark.parametrize("path", ["/ready", "/health/deep", "/db", "/healthz?full=1", "/UPSTREAM"])
def test_paths_that_sound_like_dependencies_are_found(path: str, found: Found) -> None:
    """In liveness and in startup, which restart the worker."""
    page = {"httpGet": {"port": "live", "path": path}}
    assert "checks-dependencies" in found(livenessProbe=page)
    assert "checks-dependencies" in found(startupProbe=page)


def test_a_service_mesh_that_answers_checks_is_found(found: Found, good: dict[str, Any]) -> None:
    """Linkerd's proxy accepts every connection, unless the port is left to the container."""
    ready = {"name": "ready", "containerPort": 9091}
    two_ports = {"ports": [*good["ports"], ready], "readinessProbe": {"tcpSocket": {"port": 9091}}}

    def of(annotations: dict[str, str], **fields: Any) -> dict[str, Finding]:
        return found(metadata={"annotations": annotations}, **{**two_ports, **fields})

    mesh = {"linkerd.io/inject": "enabled"}
    finding = of(mesh)["service-mesh"]
    assert finding.level == "error"
    assert "never fails" in finding.reason
    skip = "config.linkerd.io/skip-inbound-ports"
    assert "service-mesh" not in of({**mesh, skip: "25,9000-9091"})
    assert "service-mesh" in of({**mesh, skip: "9090"})
    assert "service-mesh" not in of({"linkerd.io/inject": "disabled"})
    assert "service-mesh" not in of({"other": "x"})
    page = {"httpGet": {"port": "live"}}
    only_pages = {"startupProbe": None, "livenessProbe": page, "readinessProbe": page}
    assert "service-mesh" not in of(mesh, **only_pages)


@pytest.mark.parametrize(("rule", "port"), [("ports-of-others", 9099), ("port-taken", 9090)])
def test_a_port_belongs_to_one_container_of_a_pod(rule: str, port: int, found: Found) -> None:
    """Whoever probes that of another is restarted for it, and of two one cannot listen."""
    probe = {"tcpSocket": {"port": port}}
    finding = found(beside={"ports": [{"containerPort": port}]}, livenessProbe=probe)[rule]
    assert finding.level == "warning"
    assert "container other" in finding.reason
    assert rule not in found(beside={"ports": [{"containerPort": 1}]}, livenessProbe=probe)


def test_an_init_container_may_use_a_port_of_those_after_it(
    found_in: Callable[..., dict[str, dict[str, Finding]]], pod: Pod, good: dict[str, Any]
) -> None:
    """It has ended by then."""
    setup = {"name": "setup", "ports": [{"containerPort": 9090}]}
    findings = found_in(pod({"initContainers": [setup]}, **good))
    assert "port-taken" not in findings["setup"]
    assert "port-taken" not in findings["worker"]

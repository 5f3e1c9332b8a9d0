from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.kubelet.handlers import TcpSocket
from tcp_probe.kubelet.steps import Container
from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.workload import load

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]

TCP = {"tcpSocket": {"port": 9090}}


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

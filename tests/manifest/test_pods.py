from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.pods import Choice, choose, containers, named, resources
from tcp_probe.manifest.workload import load

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
TCP = {"tcpSocket": {"port": 9090}}


def several(pod: dict[str, Any], name: str = "worker") -> dict[str, Any]:
    pod["metadata"]["name"] = name
    pod["spec"]["initContainers"] = [
        {"name": "setup"},
        {"name": "proxy", "restartPolicy": "Always", "livenessProbe": TCP},
    ]
    pod["spec"]["containers"] = [{"name": "app"}, {"name": "worker", "livenessProbe": TCP}]
    return pod


def listed(choices: tuple[Choice, ...] | list[Choice]) -> list[str]:
    return [str(choice) for choice in choices]


def test_every_container_of_every_pod_is_listed(manifest: Manifest, pod: Pod) -> None:
    """Init containers, sidecars among them, come first, in the order in which kubelet starts."""
    choices = containers(resources(manifest(several(pod(), "a"), several(pod(), "b"))))
    assert listed(choices) == [
        f"Pod {name}, {container}"
        for name in "ab"
        for container in (
            "init container setup",
            "sidecar proxy",
            "container app",
            "container worker",
        )
    ]
    assert choices[0].pod is choices[3].pod
    assert choices[0].pod is not choices[4].pod


def test_one_is_chosen_and_the_others_are_named(manifest: Manifest, pod: Pod) -> None:
    """The first one with a probe, before a sidecar; all that is passed over is told."""
    workload = load(manifest(several(pod(), "a"), several(pod(), "b")))
    assert str(workload.choice) == "Pod a, container worker"
    assert len(workload.passed_over) == 7
    assert "Pod b, container worker" in listed(workload.passed_over)
    assert workload.choice not in workload.passed_over


def test_a_pod_is_told_from_another_by_its_name(manifest: Manifest, pod: Pod) -> None:
    """POD/CONTAINER is one of them, CONTAINER the first; by name both are found."""
    file = manifest(several(pod(), "a"), several(pod(), "b"))
    choices = containers(resources(file))
    assert str(choose(choices, "b/worker")) == "Pod b, container worker"
    assert str(choose(choices, "worker")) == "Pod a, container worker"
    assert listed(named(choices, "app")) == ["Pod a, container app", "Pod b, container app"]
    assert str(load(file, "b/proxy").choice) == "Pod b, sidecar proxy"
    with pytest.raises(ManifestError, match=r"expected a container 'b/web', found a/setup, .*b/"):
        choose(choices, "b/web")


def test_a_sidecar_is_chosen_where_it_alone_has_a_probe(manifest: Manifest, pod: Pod) -> None:
    """Without any probe it is the first container that is none of init."""
    document = several(pod())
    document["spec"]["containers"] = [{"name": "app"}]
    assert load(manifest(document)).choice.container_name == "proxy"
    del document["spec"]["initContainers"][1]
    assert load(manifest(document)).choice.container_name == "app"


def test_a_list_of_one_kind_is_read(manifest: Manifest, pod: Pod) -> None:
    """As the API server returns it, its items do not say what they are."""
    item = pod(livenessProbe=TCP)
    del item["kind"]
    found = resources(manifest({"kind": "PodList", "items": [item]}, {"kind": "AllowList"}))
    assert [str(resource) for resource in found] == ["Pod worker", "AllowList allowlist"]
    assert listed(containers(found)) == ["Pod worker, container worker"]


def test_a_resource_has_a_namespace(manifest: Manifest, pod: Pod) -> None:
    """Where its metadata gives one; else it is in that called default."""
    document = pod()
    document["metadata"]["namespace"] = "jobs"
    [resource, other] = resources(manifest(document, pod()))
    assert (resource.namespace, other.namespace) == ("jobs", None)
    assert (resource.effective_namespace, other.effective_namespace) == ("jobs", "default")


def test_a_template_is_found_where_it_is_said_to_be(manifest: Manifest, pod: Pod) -> None:
    """In kinds that Kubernetes does not have itself; the others have theirs where they have it."""
    rollout = {"kind": "Rollout", "spec": {"template": {"spec": pod()["spec"]}}}
    file = manifest(pod(), rollout, {"kind": "Secret"})
    assert len(containers(resources(file))) == 1
    assert listed(containers(resources(file), ("spec", "template"))) == [
        "Pod worker, container worker",
        "Rollout rollout, container worker",
    ]

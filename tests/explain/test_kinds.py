"""What is told of kinds: mistyped, of another's making, or with a policy that they do not take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings
from tcp_probe.manifest.documents import ManifestError

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]


def test_a_kind_in_the_wrong_case_is_named(manifest: Manifest, pod: Pod) -> None:
    """That it holds a pod is no reason to ask for its place."""
    with pytest.raises(ManifestError, match="2: kind: expected Pod, got pod: the case of letters"):
        explain(manifest({**pod(), "kind": "pod"}), None, Settings())


def test_a_kind_of_another_s_making_may_name_its_containers_itself(manifest: Manifest) -> None:
    """Knative does."""
    template = {"spec": {"containers": [{"image": "web:1"}]}}
    service = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"template": template},
    }
    settings = Settings(template=("spec", "template"))
    explained = explain(manifest(service), None, settings)
    assert {finding.rule for finding in explained.findings} == {"missing-field", "no-liveness"}
    assert explained.counts()["infos"] == 2


def test_a_policy_that_a_job_does_not_take_is_told_once(manifest: Manifest, pod: Pod) -> None:
    """It is a mistake of the pod, and keeps each of its containers from being understood."""
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work"},
        "spec": {"template": {"spec": {**pod()["spec"], "restartPolicy": "Always"}}},
    }
    explained = explain(manifest(job), None, Settings())
    assert [finding.rule for finding in explained.findings] == ["refused"]


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("sleep", "30"), "terminationGracePeriodSeconds: 31 or more"),
        (("sh", "-c", "nginx -s quit; sleep 40"), "terminationGracePeriodSeconds: 41 or more"),
        (("sleep", "infinity"), "a hook that ends"),
        (("sh", "-c", "sleep 20"), None),
        (("sh", "-c", "while pgrep worker; do sleep 60; done"), None),
    ],
)
def test_a_command_before_sigterm_that_sleeps_through_the_grace_is_found(
    words: tuple[str, ...], fix: str | None, manifest: Manifest, pod: Pod
) -> None:
    """Kubernetes refuses only the hook of its own that sleeps too long."""
    hook = {"preStop": {"exec": {"command": list(words)}}}
    explained = explain(manifest(pod(lifecycle=hook)), None, Settings())
    found = [finding.fix for finding in explained.findings if finding.rule == "short-grace"]
    assert found == ([fix] if fix else [])


def test_a_command_before_sigterm_that_never_ends_is_told_in_words(
    manifest: Manifest, pod: Pod
) -> None:
    """A probe's own grace cuts it short as well."""
    hook = {"preStop": {"exec": {"command": ["sleep", "infinity"]}}}
    probe = {"tcpSocket": {"port": 9090}, "terminationGracePeriodSeconds": 5}
    explained = explain(manifest(pod(lifecycle=hook, livenessProbe=probe)), None, Settings())
    (found,) = (each for each in explained.findings if each.rule == "hook-over-grace")
    assert found.reason == "the preStop hook sleeps for ever, of which this leaves 5 s"
    assert found.fix == "a hook that ends"

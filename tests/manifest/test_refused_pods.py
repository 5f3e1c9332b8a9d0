from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding

Pod = Callable[..., dict[str, Any]]
Refused = Callable[[dict[str, Any]], list[Finding]]

TCP = {"tcpSocket": {"port": 9090}}
SETUP = {"name": "setup", "image": "setup"}

PODS: list[tuple[dict[str, Any], str]] = [
    ({"restartPolicy": "always"}, "one of Always, OnFailure, Never, got 'always'"),
    ({"dnsPolicy": "None?"}, "one of ClusterFirst, "),
    ({"terminationGracePeriodSeconds": -1}, "expected 0 or more, got -1"),
    ({"activeDeadlineSeconds": 0}, "from 1 to"),
    ({"initContainers": [{**SETUP, "name": "worker"}]}, "another container has the name 'worker'"),
    ({"initContainers": [{**SETUP, "livenessProbe": TCP}]}, "restartPolicy Always has a livenessP"),
    ({"initContainers": [{**SETUP, "lifecycle": {}}]}, "restartPolicy Always has a lifecycle"),
    ({"volumes": [{"name": "a"}, {"name": "a"}]}, "another volume has the name 'a', too"),
    ({"volumes": [{"name": "a", "emptyDir": {}, "secret": {}}]}, "got emptyDir and secret"),
    ({"volumes": [{"name": "a", "secret": {}}]}, "it does not say which secret"),
    ({"volumes": [{"name": "a", "configMap": {}}]}, "it does not say which configMap"),
    ({"hostPID": True, "shareProcessNamespace": True}, "exclude each other"),
    ({"ephemeralContainers": [SETUP]}, "only kubectl debug adds them"),
    ({"tolerations": [{"effect": "Never"}]}, "one of NoSchedule, "),
]


@pytest.mark.parametrize(("spec", "reason"), PODS)
def test_what_is_refused_of_a_pod_is_found(
    spec: dict[str, Any], reason: str, refused: Refused, pod: Pod
) -> None:
    """In its spec, or in a container before the others."""
    assert any(reason in finding.reason for finding in refused(pod(spec)))


def test_the_rights_of_the_pod_count_too(refused: Refused, pod: Pod) -> None:
    """A container that says nothing has those of its pod."""
    root = {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}
    [finding] = refused(pod(root))
    assert finding.field == "spec.securityContext"
    assert refused(pod(root, securityContext={"runAsUser": 1})) == []

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcp_probe.manifest.finding import Finding

Pod = Callable[..., dict[str, Any]]
Refused = Callable[[dict[str, Any]], list[Finding]]


def test_what_kubernetes_takes_is_not_refused(refused: Refused, pod: Pod) -> None:
    """Whatever it uses."""
    fields = {
        "ports": [{"name": "live", "containerPort": 9090, "hostPort": 9090}],
        "env": [
            {"name": "A", "value": "b"},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "envFrom": [{"secretRef": {"name": "s"}}],
        "livenessProbe": {"httpGet": {"port": "live", "scheme": ""}, "periodSeconds": 0},
        "lifecycle": {"preStop": {"sleep": {"seconds": 30}}, "stopSignal": "SIGINT"},
        "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "0.1Gi", "cpu": 1}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's
            {"name": "a", "mountPath": "/a"},
        ],
        "restartPolicy": "Never",
        "restartPolicyRules": [
            {"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}
        ],
    }
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "a", "configMap": {"name": "a"}}]
    document = pod({"volumes": volumes, "os": {"name": "linux"}}, **fields)
    assert refused(document) == []
    del document["metadata"]["name"]
    document["metadata"]["generateName"] = "worker-"
    assert refused(document) == []


def test_what_cannot_be_understood_is_told_once_more(refused: Refused, pod: Pod) -> None:
    """A check that comes across it says so, and the others go on."""
    found = refused(pod(image=3, env=[{}], ports=[{"containerPort": 1, "name": "A"}]))
    reasons = " ".join(finding.reason for finding in found)
    assert "expected text, got 3" in reasons
    assert "expected a field 'name'" in reasons
    assert "the name of a port has" in reasons

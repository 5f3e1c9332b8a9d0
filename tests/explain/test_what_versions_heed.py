"""Fields that a cluster of some version has, and does not heed; and hosts that are the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("action", "version", "found"),
    [
        ("RestartAllContainers", 35, ["spec.containers[0].restartPolicyRules[0].action"]),
        ("RestartAllContainers", 36, []),
        ("Restart", 35, []),
    ],
)
def test_a_rule_that_restarts_all_containers_is_heeded_later_than_others(
    action: str, version: int, found: list[str], manifest: Manifest, pod: Pod
) -> None:
    """It came a version after the rules themselves."""
    rule = {"action": action, "exitCodes": {"operator": "In", "values": [42]}}
    document = pod(restartPolicy="Never", restartPolicyRules=[rule])
    explained = explain(manifest(document), None, Settings(version=version))
    gated = [each.field for each in explained.findings if each.rule == "gated-field"]
    assert gated == found


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::1]"])
def test_the_address_of_all_interfaces_is_the_node_s_own(
    host: str, manifest: Manifest, pod: Pod
) -> None:
    """Kubelet connects to the node there, not to the pod."""
    document = pod(livenessProbe={"tcpSocket": {"port": 9090, "host": host}})
    rules = {each.rule for each in explain(manifest(document), None, Settings()).findings}
    assert "loopback-host" in rules
    assert "other-host" not in rules

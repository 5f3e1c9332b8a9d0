from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding

Pod = Callable[..., dict[str, Any]]
Refused = Callable[[dict[str, Any]], list[Finding]]

TCP = {"tcpSocket": {"port": 9090}}

CONTAINERS: list[tuple[dict[str, Any], str]] = [
    ({"image": None}, "it has no image"),
    ({"image": " worker"}, "has spaces around it"),
    ({"name": "My_Worker"}, "small letters, digits and '-', got 'My_Worker'"),
    ({"livenessProbe": {}}, "it has one of exec, httpGet, tcpSocket, grpc, got none"),
    ({"livenessProbe": {**TCP, "exec": {"command": ["a"]}}}, "got exec and tcpSocket"),
    ({"lifecycle": {"preStop": {}}}, "it has one of exec, httpGet, tcpSocket, sleep, got none"),
    ({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}, "terminationGracePeriodSeconds, 30 s"),
    ({"lifecycle": {"preStop": {"sleep": {"seconds": -1}}}}, "a hook sleeps 0 s to"),
    ({"lifecycle": {"postStart": {"sleep": {"seconds": 31}}}}, "a hook sleeps 0 s to"),
    ({"lifecycle": {"stopSignal": "SIGINT"}}, "a stopSignal needs spec.os.name"),
    ({"ports": [{"containerPort": 0}]}, "from 1 to 65535, got 0"),
    ({"ports": [{"containerPort": 1, "name": "Live"}]}, "the name of a port has at most 15"),
    ({"ports": [{"containerPort": 1, "name": "8080"}]}, "a letter among them, got '8080'"),
    (
        {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
        "another port of this container has that name",
    ),
    ({"ports": [{"containerPort": 1, "protocol": "tcp"}]}, "one of TCP, UDP, SCTP, got 'tcp'"),
    (
        {"ports": [{"containerPort": 1, "hostPort": 5}, {"containerPort": 2, "hostPort": 5}]},
        "another container has it, too",
    ),
    ({"env": [{"name": "A=B"}]}, "it cannot be the name of a variable"),
    ({"env": [{"name": "A", "valueFrom": {}}]}, "it has one of fieldRef"),
    (
        {"env": [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
        "it has a value and a valueFrom",
    ),
    ({"envFrom": [{}]}, "it has one of configMapRef, secretRef, got 0"),
    ({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}, "no volume 'a'; it has none"),
    ({"imagePullPolicy": "always"}, "one of Always, IfNotPresent, Never, got 'always'"),
    ({"terminationMessagePolicy": "Log"}, "one of File, FallbackToLogsOnError"),
    ({"resources": {"limits": {"cpu": "1 core"}}}, "an amount such as 100m or 64Mi, got '1 core'"),
    ({"resources": {"limits": {"cpu": "-1"}}}, "expected 0 or more, got '-1'"),
    (
        {"resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "2Gi"}}},
        "the request for memory is more than its limit, 1Gi",
    ),
    (
        {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
        "a privileged container may not have it false",
    ),
    ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "does not start it as user 0"),
    ({"securityContext": {"runAsUser": -1}}, "from 0 to"),
    ({"livenessProbe": {"tcpSocket": {"port": "8080"}}}, "a letter among them, got '8080'"),
    ({"livenessProbe": {"tcpSocket": {"port": "Live!"}}}, "got 'Live!'"),
    ({"livenessProbe": {"httpGet": {"port": 0}}}, "expected a port from 1 to 65535, got 0"),
    ({"livenessProbe": {"httpGet": {"port": 1, "scheme": "http"}}}, "one of HTTP, HTTPS"),
    ({"livenessProbe": {"grpc": {"port": 70000}}}, "from 1 to 65535, got 70000"),
    ({"livenessProbe": {**TCP, "terminationGracePeriodSeconds": 0}}, "from 1 to"),
    ({"restartPolicyRules": [{"action": "Restart"}]}, "need a restartPolicy of the container"),
]


@pytest.mark.parametrize(("fields", "reason"), CONTAINERS)
def test_what_is_refused_of_a_container_is_found(
    fields: dict[str, Any], reason: str, refused: Refused, pod: Pod
) -> None:
    """Each with what was expected."""
    found = refused(pod(**fields))
    assert any(reason in finding.reason for finding in found), found
    assert all(finding.level == "error" and finding.fix for finding in found)


def test_ports_of_the_node_are_the_containers_own(refused: Refused, pod: Pod) -> None:
    """Where the pod uses the network of its node."""
    fields = {"ports": [{"containerPort": 1, "hostPort": 2}]}
    [finding] = refused(pod({"hostNetwork": True}, **fields))
    assert "the same as containerPort" in finding.reason
    assert refused(pod(**fields)) == []


def test_two_mounts_in_one_place_are_found(refused: Refused, pod: Pod) -> None:
    """One would hide the other; the volumes that there are are named."""
    mounts = [{"name": name, "mountPath": "/a"} for name in "ab"]
    first, second = refused(pod({"volumes": [{"name": "a"}]}, volumeMounts=mounts))
    assert "no volume 'b'; it has a" in first.reason
    assert "another volume is mounted there" in second.reason

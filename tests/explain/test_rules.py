from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.rules import CLEAN_END, RULES, Case, find
from tcp_probe.explain.timing import Timing
from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import containers, resources
from tcp_probe.manifest.workload import workload

Found = Callable[..., dict[str, Finding]]
Pod = Callable[..., dict[str, Any]]

PORTS = [{"name": "live", "containerPort": 9090}, {"name": "ready", "containerPort": 9091}]


def tcp(port: int | str = "live", **more: Any) -> dict[str, Any]:
    return {"tcpSocket": {"port": port}, "timeoutSeconds": 2, **more}


def good(**changes: Any) -> dict[str, Any]:
    """Fields of a container that no rule has anything to say about."""
    fields: dict[str, Any] = {
        "ports": PORTS,
        "startupProbe": tcp(periodSeconds=2, failureThreshold=30),
        "livenessProbe": tcp(),
        "readinessProbe": tcp("ready"),
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


@pytest.fixture
def found(manifest: Callable[..., str], pod: Pod) -> Found:
    """Find what is worth a change in a pod; the findings by their rules."""

    def found(
        spec: dict[str, Any] | None = None,
        annotations: dict[str, str] | None = None,
        clean_end: float = CLEAN_END,
        **fields: Any,
    ) -> dict[str, Finding]:
        document = pod(spec, **good(**fields))
        document["metadata"]["annotations"] = annotations
        loaded = workload(containers(resources(manifest(document)))[0])
        case = Case(loaded, Timing(loaded.container, loaded.handlers), clean_end)
        return {finding.rule: finding for finding in find(case)}

    return found


def test_good_probes_have_no_findings(found: Found) -> None:
    """The manifest that the other tests spoil is fine."""
    assert found() == {}


def test_every_finding_says_what_where_why_and_what_to_do(found: Found) -> None:
    """Rule, level, field, line, reason and fix."""
    [finding] = found(livenessProbe=tcp("dead")).values()
    assert finding.rule == "named-port"
    assert finding.level == "error"
    assert finding.field == "spec.containers[0].livenessProbe.tcpSocket.port"
    assert finding.line == 11
    assert "it has live, ready" in finding.reason
    assert finding.fix


@pytest.mark.parametrize(
    ("rule", "changes", "expected"),
    [
        (
            "named-port",
            {"readinessProbe": {"httpGet": {"port": "x"}}},
            ("error", "port", "no port"),
        ),
        ("undeclared-port", {"livenessProbe": tcp(9099)}, ("warning", "port", "9099 is none")),
        (
            "undeclared-port",
            {"ports": None, "livenessProbe": tcp(1)},
            ("warning", "port", ": none"),
        ),
        (
            "timeout-over-period",
            {"livenessProbe": tcp(timeoutSeconds=15)},
            ("warning", "livenessProbe", "15 s, but one is due every 10 s"),
        ),
        (
            "short-tcp-timeout",
            {"livenessProbe": tcp(timeoutSeconds=1)},
            ("warning", "livenessProbe", "a dropped SYN is sent again after 1 s"),
        ),
        (
            "liveness-without-startup",
            {"startupProbe": None},
            ("warning", "livenessProbe", "longer than 20 s"),
        ),
        (
            "same-as-liveness",
            {"readinessProbe": tcp("live")},
            ("warning", "readinessProbe", "killed just when"),
        ),
        (
            "every-second",
            {"livenessProbe": tcp(periodSeconds=1)},
            ("warning", "livenessProbe", "3 s without an answer"),
        ),
        (
            "loopback-host",
            {"livenessProbe": {"tcpSocket": {"port": "live", "host": "127.0.0.1"}}},
            ("error", "host", "from the node"),
        ),
        (
            "frequent-exec",
            {"livenessProbe": {"exec": {"command": ["check"]}, "periodSeconds": 5}},
            ("warning", "livenessProbe", "every 5 s a process is started"),
        ),
        (
            "checks-dependencies",
            {"livenessProbe": {"httpGet": {"port": "live", "path": "/health/dependencies"}}},
            ("warning", "httpGet", "'dependencies' sounds as if"),
        ),
        (
            "short-grace",
            {"livenessProbe": tcp(terminationGracePeriodSeconds=5)},
            ("warning", "terminationGracePeriodSeconds", "5 s from SIGTERM to SIGKILL"),
        ),
        ("no-liveness", {"livenessProbe": None}, ("info", "containers[0]", "nothing restarts")),
    ],
)
def test_what_is_worth_a_change_is_found(
    rule: str, changes: dict[str, Any], expected: tuple[str, str, str], found: Found
) -> None:
    """Each rule by a probe that breaks it."""
    finding = found(**changes)[rule]
    level, field, reason = expected
    assert finding.level == level
    assert finding.field.endswith(field)
    assert reason in finding.reason


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("timeout-over-period", {"livenessProbe": tcp(timeoutSeconds=10)}),
        ("short-tcp-timeout", {"livenessProbe": {"httpGet": {"port": "live"}}}),
        (
            "liveness-without-startup",
            {"startupProbe": None, "livenessProbe": tcp(periodSeconds=15)},
        ),
        ("liveness-without-startup", {"startupProbe": None, "livenessProbe": None}),
        ("same-as-liveness", {"readinessProbe": tcp("live", failureThreshold=1)}),
        ("same-as-liveness", {"readinessProbe": None}),
        ("loopback-host", {"livenessProbe": {"tcpSocket": {"port": "live", "host": "10.0.0.1"}}}),
        ("frequent-exec", {"livenessProbe": {"exec": {"command": ["check"]}}}),
        (
            "checks-dependencies",
            {"livenessProbe": {"httpGet": {"port": "live", "path": "/readme"}}},
        ),
        ("checks-dependencies", {"readinessProbe": {"httpGet": {"port": "live", "path": "/db"}}}),
        ("short-grace", {"livenessProbe": tcp(terminationGracePeriodSeconds=11)}),
    ],
)
def test_what_is_fine_is_not_found(rule: str, changes: dict[str, Any], found: Found) -> None:
    """Each rule by a probe that only just keeps it."""
    assert rule not in found(**changes)


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


def test_the_grace_of_the_pod_counts_too(found: Found) -> None:
    """It is what a rolling update gives the worker; a sleeping hook takes its part of it."""
    finding = found({"terminationGracePeriodSeconds": 10})["short-grace"]
    assert finding.field == "spec.terminationGracePeriodSeconds"
    sleep = {"preStop": {"sleep": {"seconds": 25}}}
    finding = found(lifecycle=sleep)["short-grace"]
    assert (finding.field, finding.fix) == ("spec", "terminationGracePeriodSeconds: 36 or more")
    assert "short-grace" not in found(lifecycle={"preStop": {"exec": {"command": ["drain"]}}})
    assert "short-grace" not in found({"terminationGracePeriodSeconds": 10}, clean_end=10)


def test_a_service_mesh_that_answers_checks_is_found(found: Found) -> None:
    """Linkerd's proxy accepts every connection, unless the port is left to the container."""
    mesh = {"linkerd.io/inject": "enabled"}
    finding = found(annotations=mesh)["service-mesh"]
    assert finding.level == "error"
    assert "never fails" in finding.reason
    skip = "config.linkerd.io/skip-inbound-ports"
    assert "service-mesh" not in found(annotations={**mesh, skip: "25,9000-9091"})
    assert "service-mesh" in found(annotations={**mesh, skip: "9090"})
    assert "service-mesh" not in found(annotations={"linkerd.io/inject": "disabled"})
    assert "service-mesh" not in found(annotations={"other": "x"})
    page = {"httpGet": {"port": "live"}}
    only_pages = {"startupProbe": None, "livenessProbe": page, "readinessProbe": page}
    assert "service-mesh" not in found(annotations=mesh, **only_pages)


def test_every_rule_has_a_name_and_a_level_of_its_own() -> None:
    """By which a finding can be told from others."""
    names = [rule.__name__ for rule, _ in RULES]
    assert len(set(names)) == len(names)
    assert {level for _, level in RULES} == {"error", "warning", "info"}

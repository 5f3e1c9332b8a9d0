from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding

Found = Callable[..., dict[str, Finding]]


SERVICE = {"kind": "Service", "metadata": {"name": "web"}}


def test_a_container_behind_a_service_without_readiness_is_found(found: Found) -> None:
    """It gets requests before it can answer them; another Service is none of its business."""
    labels = {"labels": {"app": "web", "tier": "a"}}

    def with_service(selector: Any, **changes: Any) -> dict[str, Finding]:
        service = {**SERVICE, "spec": {"selector": selector}}
        return found(metadata=labels, others=(service,), **changes)

    finding = with_service({"app": "web"}, readinessProbe=None)["no-readiness"]
    assert "Service web sends requests" in finding.reason
    assert "no-readiness" not in with_service({"app": "web"})
    for selector in ({"app": "other"}, {"app": "web", "tier": "b"}, {}, None):
        assert "no-readiness" not in with_service(selector, readinessProbe=None)
    elsewhere = {**SERVICE, "metadata": {"name": "web", "namespace": "a"}}
    elsewhere["spec"] = {"selector": {"app": "web"}}
    found_there = found(
        metadata=labels, others=(elsewhere, {"kind": "Service"}), readinessProbe=None
    )
    assert "no-readiness" not in found_there
    assert "no-readiness" not in found(readinessProbe=None)


@pytest.mark.parametrize(("of_service", "of_pod"), [("default", None), (None, "default")])
def test_what_names_no_namespace_is_in_that_called_default(
    of_service: str | None, of_pod: str | None, found: Found
) -> None:
    """A Service of the one meets a pod of the other: kubectl puts both there."""
    service = {"kind": "Service", "metadata": {"name": "web", "namespace": of_service}}
    service["spec"] = {"selector": {"app": "web"}}
    metadata = {"labels": {"app": "web"}, "namespace": of_pod}
    findings = found(metadata=metadata, others=(service,), readinessProbe=None)
    assert "no-readiness" in findings


@pytest.mark.parametrize(
    ("ports", "rules"),
    [
        ([{"port": 80, "targetPort": "live"}], {"no-readiness"}),
        ([{"port": 9090}], {"no-readiness"}),
        ([{"port": 80, "targetPort": 8080}], set()),
        ([], set()),
    ],
)
def test_of_several_containers_the_one_that_serves_needs_readiness(
    ports: list[dict[str, Any]], rules: set[str], found: Found
) -> None:
    """The one that has the port of the Service, by name or by number."""
    labels = {"labels": {"app": "web"}}
    service = {**SERVICE, "spec": {"selector": {"app": "web"}, "ports": ports}}
    findings = found(metadata=labels, beside={}, others=(service,), readinessProbe=None)
    assert findings.keys() & {"no-readiness"} == rules

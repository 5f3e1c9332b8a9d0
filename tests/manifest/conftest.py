from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import containers_of, pod_of, resources
from tcp_probe.manifest.refusals import refused_container, refused_resource
from tcp_probe.manifest.schema import check_fields

Manifest = Callable[..., str]
Refused = Callable[[dict[str, Any]], list[Finding]]


@pytest.fixture
def refused(manifest: Manifest) -> Refused:
    """Find what the API server refuses of a resource."""

    def refused(document: dict[str, Any]) -> list[Finding]:
        [resource] = resources(manifest(document))
        pod = pod_of(resource)
        assert pod
        found = [
            *check_fields(resource.field, resource.kind),
            *refused_resource(resource, pod),
        ]
        for choice in containers_of(resource):
            found += refused_container(choice)
        return [finding for finding in found if finding.rule == "refused"]

    return refused

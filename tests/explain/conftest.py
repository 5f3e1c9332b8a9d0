from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.case import Case
from tcp_probe.explain.rules import find
from tcp_probe.explain.services import Services
from tcp_probe.explain.timing import Timing
from tcp_probe.explain.worker_kind import clean_end, uses_tcp_probe
from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import containers, resources
from tcp_probe.manifest.workload import workload

Fields = dict[str, Any]
Findings = dict[str, Finding]


@pytest.fixture
def good() -> Fields:
    """Return the fields of a container of which there is nothing to remark."""

    def probe(**fields: int) -> Fields:
        return {"tcpSocket": {"port": "live"}, "timeoutSeconds": 2, **fields}

    return {
        "ports": [{"name": "live", "containerPort": 9090}],
        "startupProbe": probe(periodSeconds=2, failureThreshold=30),
        "livenessProbe": probe(),
        "readinessProbe": probe(failureThreshold=1),
    }


@pytest.fixture
def found_in(manifest: Callable[..., str]) -> Callable[..., dict[str, Findings]]:
    """Find what is worth a change in these documents: by container, the findings by their rules."""

    def found_in(*documents: Fields, ends: float | None = None) -> dict[str, Findings]:
        def case_of(choice: Any) -> Case:
            loaded = workload(choice)
            timing = Timing(loaded.container, loaded.handlers, pre_stop=loaded.pre_stop)
            end = clean_end(loaded) if ends is None else ends
            return Case(loaded, timing, end, uses_tcp_probe(loaded), Services(all_of_them))

        all_of_them = resources(manifest(*documents))
        return {
            choice.container_name: {finding.rule: finding for finding in find(case_of(choice))}
            for choice in containers(all_of_them)
        }

    return found_in


@pytest.fixture
def found(
    found_in: Callable[..., dict[str, Findings]], pod: Callable[..., Fields], good: Fields
) -> Callable[..., Findings]:
    """Find what is worth a change in a good container with these changes; None takes a field away.

    `spec` and `metadata` are of its pod, `beside` is another container of it, and `others` are
    further documents of the manifest.
    """

    def found(
        spec: Fields | None = None,
        *,
        metadata: Fields | None = None,
        beside: Fields | None = None,
        others: tuple[Fields, ...] = (),
        ends: float | None = None,
        **changes: Any,
    ) -> Findings:
        fields = {name: value for name, value in {**good, **changes}.items() if value is not None}
        document = pod(spec, **fields)
        document["metadata"].update(metadata or {})
        if beside is not None:
            document["spec"]["containers"].append({"name": "other", **beside})
        return found_in(document, *others, ends=ends)["worker"]

    return found

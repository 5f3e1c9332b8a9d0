"""What the API server refuses, although every field of it has a right name and type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .allowed_values import refused
from .documents import ManifestError
from .finding import Finding
from .refused_containers import CONTAINER_CHECKS
from .refused_pods import POD_CHECKS
from .refused_resources import RESOURCE_CHECKS

if TYPE_CHECKING:
    from .fields import Field
    from .pods import Choice, Resource
    from .refused_containers import Refusal


def refused_resource(resource: Resource, pod: Field) -> Iterator[Finding]:
    """Find what is refused of a workload and of its pod, apart from its containers."""
    for check in RESOURCE_CHECKS if resource.native else ():
        yield from _told(check(resource, pod))
    for pod_check in POD_CHECKS:
        yield from _told(pod_check(pod, resource))


def refused_container(choice: Choice) -> Iterator[Finding]:
    """Find what is refused of one container."""
    for check in CONTAINER_CHECKS:
        yield from _told(check(choice))


def told(problem: ManifestError) -> Finding:
    """Make a finding of what was raised about a field."""
    reason = problem.problem
    return Finding("refused", "error", problem.field, problem.line or 0, reason, "correct it")


def _told(refusals: Refusal) -> Iterator[Finding]:
    try:
        for field, reason, fix in refusals:
            yield refused(field, reason, fix)
    except ManifestError as problem:
        yield told(problem)

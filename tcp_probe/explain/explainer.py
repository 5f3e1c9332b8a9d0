from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from tcp_probe.manifest.documents import ManifestError
from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import (
    containers_of,
    meant_kind,
    missing_pod,
    named,
    pod_of,
    resources,
    template_in,
)
from tcp_probe.manifest.refusals import refused_container, refused_resource, told
from tcp_probe.manifest.schema import check_fields
from tcp_probe.manifest.workload import workload

from .case import Case, declared_ports
from .explanation import ExplainedContainer, ExplainedResource, Explanation
from .rules import find
from .services import Services
from .timing import Timing
from .worker_kind import clean_end, uses_tcp_probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tcp_probe.manifest.fields import Field
    from tcp_probe.manifest.pods import Choice, Resource

    from .case import Holder
    from .settings import Settings

# More than that nobody reads, and a hostile file has any number.
MOST_FINDINGS = 100
MOST_LOOKED_AT = 200
# So long (s) thousands of documents do not take; who has more may explain them in parts.
MOST_SECONDS = 120.0


def explain(source: str, container: str | None, settings: Settings) -> Explanation:
    """Explain the probes of every container of a manifest, or of those of that name.

    Raises `ManifestError` where the manifest cannot be read, or no such container is in it.
    """
    found = resources(source)
    held, hidden, others = _sorted(found, settings)
    if not held:
        missing_pod(source, found)
    services = Services(found)
    deadline = time.monotonic() + MOST_SECONDS
    explained = []
    for each in held:
        if time.monotonic() > deadline:
            problem = f"expected to be done in {MOST_SECONDS:g} s: explain it in parts"
            raise ManifestError(found[0].field.document.source, each.field.line, problem)
        explained.append(_explained(each, services, settings))
    if container is not None:
        choices = [each.choice for one in explained for each in one.containers]
        chosen = named(choices or missing_pod(source, found), container)
        explained = [_narrowed(each, chosen) for each in explained]
    unexplained = [ExplainedResource(each, (), (_not_explained(each),)) for each in hidden]
    wanted = (each for each in explained if each.containers or container is None)
    return Explanation(source, settings.rules, (*wanted, *unexplained), tuple(others))


def _sorted(found: Sequence[Resource], settings: Settings) -> tuple[list[Resource], ...]:
    """Part those that hold a pod, those that seem to hold one, and the others."""
    held: list[Resource] = []
    hidden: list[Resource] = []
    others: list[Resource] = []
    for each in found:
        if each.native or pod_of(each, settings.template):
            held.append(each)
        else:
            (hidden if template_in(each.field) else others).append(each)
    return held, hidden, others


def _explained(resource: Resource, services: Services, settings: Settings) -> ExplainedResource:
    known = resource.native
    try:
        pod = pod_of(resource, settings.template)
        choices = containers_of(resource, settings.template)
    except ManifestError as problem:
        checked = check_fields(resource.field, resource.kind) if known else ()
        findings = list(islice(checked, MOST_LOOKED_AT))
        return ExplainedResource(resource, (), tuple(_few(_added(findings, [told(problem)]))))
    if pod is None:
        raise AssertionError("unreachable")
    whole = resource.field if known else pod
    part = resource.kind if known else "PodTemplateSpec"
    findings = list(islice(check_fields(whole, part, settings.version), MOST_LOOKED_AT))
    findings += refused_resource(resource, pod)
    ports = _ports(pod)
    containers = []
    for choice in choices:
        inside = f"{choice.container}."
        own = [each for each in findings if f"{each.field}.".startswith(inside)]
        findings = [each for each in findings if not f"{each.field}.".startswith(inside)]
        explained = _explained_container(choice, own, services, ports, settings)
        findings += [each for each in explained.findings if not f"{each.field}.".startswith(inside)]
        own = [each for each in explained.findings if f"{each.field}.".startswith(inside)]
        containers.append(replace(explained, findings=tuple(_few(_weighed(own, resource, pod)))))
    whole_findings = _weighed(_added([], dict.fromkeys(findings)), resource, pod)
    return ExplainedResource(resource, tuple(containers), tuple(_few(whole_findings)))


def _explained_container(
    choice: Choice,
    findings: list[Finding],
    services: Services,
    ports: Mapping[int, Sequence[Holder]],
    settings: Settings,
) -> ExplainedContainer:
    findings = _added(findings, refused_container(choice))
    try:
        load = workload(choice)
        is_worker = settings.tcp_probe
        is_worker = uses_tcp_probe(load) if is_worker is None else is_worker
        ends = clean_end(load) if settings.clean_end is None else settings.clean_end
    except ManifestError as problem:
        return ExplainedContainer(
            choice,
            uses_tcp_probe=False,
            timing=None,
            findings=(*_added(findings, [told(problem)]),),
        )
    timing = Timing(
        load.container,
        load.handlers,
        settings.backlog if is_worker else None,
        settings.stall_timeout,
        pre_stop=load.pre_stop,
        post_start=load.post_start,
        rules=settings.rules,
    )
    found = find(Case(load, timing, ends, is_worker, services, ports))
    return ExplainedContainer(choice, is_worker, timing, tuple(_added(findings, found)))


def _ports(pod: Field) -> Mapping[int, Sequence[Holder]]:
    try:
        return declared_ports(pod)
    except ManifestError:
        # Another part of the program tells what is wrong with them.
        return {}


def _added(findings: Iterable[Finding], more: Iterable[Finding]) -> list[Finding]:
    """Add what is not the same mistake told again: the same place, refused another way."""
    found = list(findings)
    errors = {finding.field for finding in found if finding.level == "error"}
    for finding in more:
        if finding.rule != "refused" or finding.field not in errors:
            found.append(finding)
            errors |= {finding.field} if finding.rule == "refused" else set()
    return found


def _weighed(findings: Iterable[Finding], resource: Resource, pod: Field) -> Iterator[Finding]:
    """Take what Kubernetes itself would refuse for less where the kind is another's.

    It may have fields of its own beside those of a pod, and fill in what is missing.
    """
    beside = (str(pod), f"{pod}.spec")
    for finding in findings:
        extra = finding.rule == "unknown-field" and finding.field.rpartition(".")[0] in beside
        if resource.native or finding.rule not in ("unknown-field", "missing-field", "refused"):
            yield finding
        elif extra or finding.rule == "missing-field":
            yield replace(finding, level="info")
        else:
            yield replace(finding, level="warning")


def _few(findings: Iterable[Finding]) -> list[Finding]:
    ranks = ("error", "warning", "info")
    found = sorted(findings, key=lambda finding: ranks.index(finding.level))
    if len(found) <= MOST_FINDINGS:
        return found
    reason = f"{len(found) - MOST_FINDINGS} more findings are not shown"
    last = replace(found[0], rule="too-many", reason=reason, fix="mend those that are shown first")
    return [*found[:MOST_FINDINGS], last]


def _narrowed(explained: ExplainedResource, chosen: Sequence[Choice]) -> ExplainedResource:
    places = {(id(choice.resource), choice.container.path) for choice in chosen}
    wanted = tuple(
        each
        for each in explained.containers
        if (id(each.choice.resource), each.choice.container.path) in places
    )
    return replace(explained, containers=wanted)


def _not_explained(resource: Resource) -> Finding:
    meant = meant_kind(resource.kind)
    if meant != resource.kind:
        return Finding.at(
            resource.field.need("kind"),
            "refused",
            "error",
            f"the API server refuses it: there is no kind {resource.kind}",
            f"kind: {meant}",
        )
    return Finding.at(
        resource.field,
        "not-explained",
        "warning",
        f"a {resource.kind} is no kind of Kubernetes itself, but a pod seems to be in it",
        f"explain it with --template {template_in(resource.field)}",
    )

"""Rules about what is around the probes: the pod, its amounts, the Services before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.kubelet.versions import SINCE, Change, Rules
from tcp_probe.manifest.fields import Field
from tcp_probe.manifest.formats import amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcp_probe.manifest.pods import Resource

    from .case import Case, Rule

LEAST_MEMORY = 2**20
TEMPLATE = re.compile(r"\{\{-?\s*(\.Values|\.Release|\.Chart|\$?\.Values|include|tpl|toYaml)\b")


def unrendered_template(case: Case) -> Rule:
    """Find values that a template engine has yet to fill in."""
    for field in _texts(case.container):
        if TEMPLATE.search(field.text()):
            reason = "this is a template that was not rendered: Kubernetes takes it as it stands"
            fix = "render it first: helm template CHART | python -m tcp_probe explain -"
            yield field, reason, fix


def no_liveness(case: Case) -> Rule:
    """Find containers that nothing restarts."""
    if "liveness" not in case.probes and case.workload.choice.role != "init container":
        reason = "nothing restarts a worker that stands still or waits for ever"
        yield case.container, reason, "add a livenessProbe on the port of tcp_probe.serve"


def no_readiness(case: Case) -> Rule:
    """Find containers that a Service of the file sends requests to from their start on."""
    choice = case.workload.choice
    labels = case.pod.find("metadata", "labels")
    if "readiness" in case.probes or choice.role != "container" or labels is None:
        return
    for service in case.services.selecting(choice.resource.effective_namespace, labels.mapping()):
        if _serves(service, case):
            reason = f"Service {service.name} sends requests as soon as the container runs"
            yield case.container, reason, "add a readinessProbe on the port of the Service"


def gated_field(case: Case) -> Rule:
    """Find what the cluster's version has, but drops without a word: its gate is off by default."""
    rules = case.timing.rules
    own: Change = "own restart policy"
    sidecar = case.workload.choice.role == "sidecar"
    gates: tuple[tuple[tuple[str, ...], Change], ...] = (
        (("lifecycle", "preStop", "sleep"), "sleep"),
        (("lifecycle", "postStart", "sleep"), "sleep"),
        (("lifecycle", "stopSignal"), "stop signal"),
        (("restartPolicyRules",), own),
        (("restartPolicy",), "sidecars" if sidecar else own),
    )
    for path, change in gates:
        field = case.container.find(*path)
        if field and not rules.has(change):
            yield field, *_gated(rules, change)
    for rule in case.container.items_of("restartPolicyRules") if rules.has(own) else ():
        action = rule.get("action")
        if action and action.value == "RestartAllContainers" and not rules.has("restart all"):
            yield action, *_gated(rules, "restart all")


def _gated(rules: Rules, change: Change) -> tuple[str, str]:
    reason = f"Kubernetes {rules} does not heed it unless a feature gate is switched on"
    return reason, f"remove it, or run 1.{SINCE[change]} or later"


def host_network(case: Case) -> Rule:
    """Find pods on the network of the node."""
    if case.on_host_network:
        reason = "the port is the node's: one such pod a node, and open to whoever reaches the node"
        yield case.spec.need("hostNetwork"), reason, "remove hostNetwork, unless the work needs it"


def tiny_memory(case: Case) -> Rule:
    """Find amounts of memory in which nothing can run: `512m` is half a byte."""
    for kind in ("limits", "requests"):
        field = case.container.find("resources", kind, "memory")
        size = amount(str(field.value)) if field else None
        if field and size is not None and size < LEAST_MEMORY and (size or kind == "limits"):
            reason = f"{field.value} is {size:g} bytes of memory: the container cannot start"
            yield field, reason, "a unit such as Mi: 512Mi"


def pod_deadline(case: Case) -> Rule:
    """Find pods that kubelet ends at a certain age."""
    field = case.spec.get("activeDeadlineSeconds")
    if field and case.workload.choice.kind == "Pod":
        reason = f"{field.value} s after its start kubelet ends the whole pod, well or not"
        yield field, reason, "remove it, unless the work has to end by then"


def _serves(service: Resource, case: Case) -> bool:
    """Say whether a port of the Service is one of the container, or may be."""
    containers = case.spec.need("containers").items()
    if len(containers) == 1:
        return True
    own = {each for port in case.container.items_of("ports") for each in _names(port)}
    ports = service.field.find("spec", "ports")
    for port in ports.items() if ports else []:
        target = port.get("targetPort") or port.get("port")
        if target and target.value in own:
            return True
    return False


def _names(port: Field) -> list[object]:
    name = port.get("name")
    return [port.need("containerPort").value, name.value if name else None]


def _texts(field: Field) -> Iterator[Field]:
    value = field.value
    if isinstance(value, str):
        yield field
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(Field(field.document, (*field.path, name), inner))
    elif isinstance(value, list):
        for item in field.items():
            yield from _texts(item)

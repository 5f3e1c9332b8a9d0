"""What the API server refuses of a pod, apart from its containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fields import shown
from .formats import is_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from .fields import Field
    from .pods import Resource
    from .refused_containers import Refusal


def names(pod: Field, resource: Resource) -> Refusal:
    """Find containers and volumes whose names are taken already, or cannot be."""
    spec = pod.need("spec")
    for what, fields in (
        ("container", spec.items_of("containers") + spec.items_of("initContainers")),
        ("volume", spec.items_of("volumes")),
    ):
        taken: set[str] = set()
        for field in fields:
            # A kind that Kubernetes does not have itself may name them itself.
            name = field.need("name") if resource.native else field.get("name")
            if name is None:
                continue
            if not is_label(name.text()):
                reason = f"a name has small letters, digits and '-', got {shown(name.value)}"
                yield name, reason, "a name such as my-worker"
            if name.text() in taken:
                reason = f"another {what} has the name {shown(name.value)}, too"
                yield name, reason, "a name of its own"
            taken.add(name.text())


def volume_sources(pod: Field, _resource: Resource) -> Refusal:
    """Find volumes that come from two places, or from none that has a name."""
    for volume in pod.need("spec").items_of("volumes"):
        sources = [name for name in volume.mapping() if name != "name" and volume.get(name)]
        if len(sources) > 1:
            reason = f"a volume has one source, got {' and '.join(sources)}"
            yield volume, reason, "a volume for each"
        for source, name in (("configMap", "name"), ("secret", "secretName")):
            field = volume.get(source)
            if field and not field.get(name):
                yield field, f"it does not say which {source}", f"add {name}"


def host_namespaces(pod: Field, _resource: Resource) -> Refusal:
    """Find pods that share processes with the node and among themselves."""
    spec = pod.need("spec")
    if _true(spec, "hostPID") and _true(spec, "shareProcessNamespace"):
        reason = "hostPID and shareProcessNamespace exclude each other"
        yield spec.need("shareProcessNamespace"), reason, "remove one of them"


def host_ports(pod: Field, _resource: Resource) -> Refusal:
    """Find ports of the node that two containers want, or that are not the container's own."""
    spec = pod.need("spec")
    taken: set[tuple[object, ...]] = set()
    for container in spec.items_of("containers"):
        for port in container.items_of("ports"):
            on_host = port.get("hostPort")
            if on_host and on_host.value:
                protocol, address = port.get("protocol"), port.get("hostIP")
                key = (
                    on_host.value,
                    protocol.value if protocol else "TCP",
                    address.value if address else "",
                )
                if key in taken:
                    yield on_host, "another container has it, too", "a port of its own"
                taken.add(key)
                same = on_host.value == port.need("containerPort").value
                if _true(spec, "hostNetwork") and not same:
                    reason = "with hostNetwork it has to be the same as containerPort"
                    yield on_host, reason, "remove hostPort"


def ephemeral_containers(pod: Field, _resource: Resource) -> Refusal:
    """Find containers that can only be added to a pod that runs."""
    field = pod.need("spec").get("ephemeralContainers")
    if field and field.value:
        yield field, "only kubectl debug adds them, to a pod that runs", "remove them"


def deadline_number(pod: Field, _resource: Resource) -> Refusal:
    """Find a grace that is none."""
    field = pod.need("spec").get("terminationGracePeriodSeconds")
    if field and isinstance(field.value, int) and field.value < 0:
        yield field, f"expected 0 or more, got {shown(field.value)}", "30, the default, or more"


def _true(field: Field, name: str) -> bool:
    given = field.get(name)
    return given is not None and given.value is True


POD_CHECKS: tuple[Callable[[Field, Resource], Refusal], ...] = (
    names,
    volume_sources,
    host_namespaces,
    host_ports,
    ephemeral_containers,
    deadline_number,
)

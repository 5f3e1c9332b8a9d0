from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from .documents import ManifestError, read
from .fields import MOST, Field
from .printable import first_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Where the pod stands in each kind.
KINDS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
# A node runs 110 pods; more than so many containers are no pod of anybody's.
MOST_CONTAINERS = 200
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
Role = Literal["container", "sidecar", "init container"]


@dataclass(frozen=True)
class Resource:
    """One resource of a file: a document, or an item of a List.

    `namespace` is the one that it names, if any.
    """

    kind: str
    name: str
    namespace: str | None
    field: Field

    def __str__(self) -> str:
        """Write it as in `Deployment web`."""
        return f"{self.kind} {self.name}"

    @property
    def effective_namespace(self) -> str:
        """The namespace that it is in, unless kubectl is told of another one."""
        return self.namespace or "default"

    @property
    def native(self) -> bool:
        """Whether it is one of `KINDS`; a Job of another group has its pods elsewhere."""
        version = self.field.value.get("apiVersion")
        group = version.rpartition("/")[0] if isinstance(version, str) else ""
        return self.kind in KINDS and "." not in group


@dataclass(frozen=True)
class Choice:
    """A container of a manifest, the pod (or its template) it is in, and whose pod that is.

    A sidecar is an init container that is restarted always.
    """

    resource: Resource
    pod: Field
    container: Field
    role: Role

    def __str__(self) -> str:
        """Write it as in `Deployment web, container app`."""
        return f"{self.resource}, {self.role} {self.container_name}"

    @property
    def kind(self) -> str:
        """The kind of the resource."""
        return self.resource.kind

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.resource.name

    @property
    def container_name(self) -> str:
        """The name of the container; where it has none, its place."""
        name = self.container.mapping().get("name")
        return name if isinstance(name, str) else str(self.container)

    @property
    def probed(self) -> bool:
        """Whether the container has a probe."""
        return any(self.container.get(probe) for probe in PROBES)


def resources(source: str) -> list[Resource]:
    """Read the resources of a file; `-` stands for the standard input.

    Raises `ManifestError` where one of them is none.
    """
    documents = (Field(document) for document in read(source) if document.value is not None)
    return [resource for document in documents for resource in _resources(document, None)]


def pod_of(resource: Resource, template: Sequence[str] | None = None) -> Field | None:
    """Return the pod, or its template, that a resource holds; None where it holds none.

    `template` is where resources of a kind that Kubernetes does not have itself hold theirs.
    """
    if resource.native:
        pod = resource.field
        for step in KINDS[resource.kind]:
            pod = pod.need(step)
        return pod
    if template is None:
        return None
    try:
        return resource.field.find(*template)
    except ManifestError:
        # Something else stands there: this is no resource of that kind.
        return None


def containers_of(resource: Resource, template: Sequence[str] | None = None) -> list[Choice]:
    """Return the containers of a resource, in the order in which kubelet starts them."""
    pod = pod_of(resource, template)
    return list(_containers(resource, pod)) if pod else []


def containers(found: Sequence[Resource], template: Sequence[str] | None = None) -> list[Choice]:
    """Return every container of every pod, those of one pod in the order that kubelet starts them.

    Containers of one pod share one `Choice.pod`; `missing_pod` tells why there are none.
    """
    return [choice for resource in found for choice in containers_of(resource, template)]


def template_in(field: Field, depth: int = 6) -> str | None:
    """Return where in a resource something stands that looks like a pod; None for nowhere."""
    if isinstance(field.value, dict) and depth:
        spec = field.value.get("spec")
        held = spec.get("containers") if isinstance(spec, dict) else None
        if isinstance(held, list) and held and all(isinstance(each, dict) for each in held):
            return str(field) or "."
        for name, value in field.value.items():
            found = template_in(Field(field.document, (*field.path, name), value), depth - 1)
            if found:
                return found
    return None


def meant_kind(given: str) -> str:
    """Return the kind that is meant where only the case of letters is wrong; else the given one."""
    return next((kind for kind in KINDS if kind.lower() == given.lower()), given)


def missing_pod(source: str, found: Sequence[Resource]) -> NoReturn:
    """Raise `ManifestError`: none of these resources holds a pod."""
    name = "<stdin>" if source == "-" else source
    for resource in found:
        meant = meant_kind(resource.kind)
        if meant != resource.kind:
            kind = resource.field.need("kind")
            kind.fail(f"expected {meant}, got {resource.kind}: the case of letters counts")
    kinds = ", ".join(sorted({resource.kind for resource in found})) or "nothing"
    expected = f"expected a {', '.join(KINDS)} or a List of them"
    hints = {where for resource in found if (where := template_in(resource.field))}
    hint = f"; a pod seems to be in it: --template {hints.pop()}" if hints else ""
    raise ManifestError(name, None, f"{expected}, found {kinds}{hint}")


def choose(choices: Sequence[Choice], container: str | None = None) -> Choice:
    """Choose the container of that name, else the first one with a probe, else the first one.

    `container` is a name, or `POD/CONTAINER` where several pods have one of that name. A sidecar
    is chosen by name, or where no other container has a probe; so is an init container.
    """
    if container is not None:
        return named(choices, container)[0]
    ranked = sorted(choices, key=lambda choice: (not choice.probed, choice.role != "container"))
    return ranked[0]


def named(choices: Sequence[Choice], container: str) -> list[Choice]:
    """Return the containers of that name, which may be `POD/CONTAINER`, of every pod.

    Raises `ManifestError` where there is none.
    """
    pod, slash, name = container.rpartition("/")
    found = [
        choice
        for choice in choices
        if choice.container_name == name and (not slash or choice.name == pod)
    ]
    if not found:
        names = [*dict.fromkeys(f"{each.name}/{each.container_name}" for each in choices)]
        source = choices[0].container.document.source
        expected = f"expected a container {container!r}"
        raise ManifestError(source, None, f"{expected}, found {first_of(names)}")
    return found


def _resources(field: Field, default_kind: str | None) -> Iterator[Resource]:
    given = field.get("kind")
    kind = default_kind if default_kind and not given else field.need("kind").text()
    if kind == "List" or (kind.endswith("List") and field.get("items")):
        # In a List each item says its kind; in a PodList they are Pods.
        for item in field.items_of("items", MOST):
            yield from _resources(item, kind.removesuffix("List"))
        return
    metadata = field.get("metadata")
    name = metadata and (metadata.get("name") or metadata.get("generateName"))
    namespace = metadata and metadata.get("namespace")
    yield Resource(
        kind,
        name.text() if name else kind.lower(),
        namespace.text() if namespace else None,
        field,
    )


def _containers(resource: Resource, pod: Field) -> Iterator[Choice]:
    spec = pod.need("spec")
    main = spec.need("containers")
    if not main.items(MOST_CONTAINERS):
        main.fail("expected at least one container, got none")
    for container in spec.items_of("initContainers", MOST_CONTAINERS):
        policy = container.get("restartPolicy")
        sidecar = policy is not None and policy.value == "Always"
        yield Choice(resource, pod, container, "sidecar" if sidecar else "init container")
    for container in main.items():
        yield Choice(resource, pod, container, "container")

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Exec
from tcp_probe.kubelet.prober import Probe, ProbeKind
from tcp_probe.kubelet.steps import RESTART_POLICIES, Container, RestartPolicy

from .documents import ManifestError, read
from .environment import environment, expand
from .fields import MOST, Field
from .probe_fields import PROBE_KINDS, container_ports, handler_of, hook_of, probe_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tcp_probe.kubelet.handlers import Handler, Hook

# Where the pod stands in each kind.
KINDS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True)
class Choice:
    """The container of a manifest that is looked at, and the pod (or its template) it is in."""

    kind: str
    name: str
    pod: Field
    container: Field


@dataclass(frozen=True)
class Workload:
    """What one container of a manifest says, with Kubernetes' defaults filled in.

    `command` is empty where the manifest leaves it to the image. `env` holds the variables with a
    value of their own, `unresolved` the names of the others, which only a cluster knows.
    """

    choice: Choice
    container: Container
    handlers: Mapping[ProbeKind, Handler]
    ports: tuple[int, ...]
    command: tuple[str, ...]
    env: Mapping[str, str]
    unresolved: tuple[str, ...]
    pre_stop: Hook | None
    shares_processes: bool


def load(source: str, container: str | None = None) -> Workload:
    """Read the container of that name from a manifest, else the first one with a probe.

    Raises `ManifestError` with the file, the line and what was expected there.
    """
    loaded = workload(choose(source, container))
    for kind, handler in loaded.handlers.items():
        if not isinstance(handler, Exec) and not handler.port:
            field = loaded.choice.container.need(f"{kind}Probe")
            action = field.get("tcpSocket") or field.need("httpGet")
            port = action.need("port")
            port.fail(f"expected the name of a port of this container, got {port.value!r}")
    return loaded


def choose(source: str, container: str | None = None) -> Choice:
    """Find the container of that name, else the first one with a probe, else the first one."""
    documents = [Field(document) for document in read(source) if document.value is not None]
    choices = [choice for document in documents for choice in _choices(document)]
    name = "<stdin>" if source == "-" else source
    if not choices:
        found = ", ".join(sorted({document.need("kind").text() for document in documents}))
        expected = f"expected a {', '.join(KINDS)} or a List of them"
        raise ManifestError(name, None, f"{expected}, found {found or 'nothing'}")
    if container is None:
        probed = (choice for choice in choices if any(_probe_fields(choice.container)))
        return next(probed, choices[0])
    named = {choice.container.need("name").text(): choice for choice in reversed(choices)}
    if container not in named:
        found = ", ".join(reversed(named))
        raise ManifestError(name, None, f"expected a container {container!r}, found {found}")
    return named[container]


def workload(choice: Choice) -> Workload:
    """Read what the chosen container says."""
    spec = choice.pod.need("spec")
    container = choice.container
    ports = container_ports(container)
    probes: list[Probe] = []
    handlers: dict[ProbeKind, Handler] = {}
    for kind, field in zip(PROBE_KINDS, _probe_fields(container), strict=True):
        if field:
            probes.append(probe_of(kind, field))
            handlers[kind] = handler_of(field, ports)
    hook = container.find("lifecycle", "preStop")
    grace = spec.get("terminationGracePeriodSeconds")
    shared = spec.get("shareProcessNamespace")
    env, unresolved = environment(container)
    return Workload(
        choice=choice,
        container=Container(
            container.need("name").text(),
            tuple(probes),
            grace=grace.number(0, MOST) if grace else 30,
            restart_policy=_restart_policy(choice),
            pre_stop=hook is not None,
            alone=len(spec.need("containers").items()) == 1,
        ),
        handlers=handlers,
        ports=tuple(port for port, _ in ports),
        command=_command(container, env),
        env=env,
        unresolved=unresolved,
        pre_stop=hook_of(hook, ports) if hook else None,
        shares_processes=shared.flag() if shared else False,
    )


def _choices(document: Field) -> Iterator[Choice]:
    kind = document.need("kind").text()
    if kind == "List":
        for item in document.need("items").items():
            yield from _choices(item)
    if kind not in KINDS:
        return
    pod = document
    for step in KINDS[kind]:
        pod = pod.need(step)
    name = document.find("metadata", "name") or document.find("metadata", "generateName")
    spec = pod.need("spec")
    containers = spec.need("containers")
    if not containers.items():
        containers.fail("expected at least one container, got none")
    sidecars = [field for field in spec.items_of("initContainers") if _is_sidecar(field)]
    for container in (*containers.items(), *sidecars):
        yield Choice(kind, name.text() if name else kind.lower(), pod, container)


def _is_sidecar(init_container: Field) -> bool:
    policy = init_container.get("restartPolicy")
    return policy is not None and policy.value == "Always"


def _probe_fields(container: Field) -> list[Field | None]:
    return [container.get(f"{kind}Probe") for kind in PROBE_KINDS]


def _restart_policy(choice: Choice) -> RestartPolicy:
    spec = choice.pod.need("spec")
    policy = spec.get("restartPolicy")
    if "Job" in choice.kind and (policy is None or policy.value == "Always"):
        (policy or spec).fail("expected a restartPolicy of OnFailure or Never in a Job")
    policy = choice.container.get("restartPolicy") or policy
    return policy.one_of(RESTART_POLICIES) if policy else "Always"


def _command(container: Field, env: Mapping[str, str]) -> tuple[str, ...]:
    command = container.get("command")
    arguments = container.get("args")
    if not command:
        return ()
    words = command.texts() + (arguments.texts() if arguments else ())
    return tuple(expand(word, env) for word in words)

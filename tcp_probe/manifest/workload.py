from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tcp_probe.kubelet import stop_signal
from tcp_probe.kubelet.handlers import Exec
from tcp_probe.kubelet.prober import Probe, ProbeKind
from tcp_probe.kubelet.restart_policy import (
    RESTART_POLICIES,
    RULE_ACTIONS,
    RestartPolicy,
    RestartRule,
)
from tcp_probe.kubelet.steps import NO_UID, Container

from .environment import environment, expanded, static_environment
from .fields import MOST, Field
from .pods import choose, containers, missing_pod, resources
from .probe_fields import PROBE_KINDS, container_ports, handler_of, hook_of, probe_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tcp_probe.kubelet.handlers import Handler, Hook

    from .pods import Choice
    from .probe_fields import Ports


@dataclass(frozen=True)
class Workload:
    """What one container of a manifest says, with Kubernetes' defaults filled in.

    `command` is empty where the manifest leaves it to the image. `env` holds the variables with a
    value of their own, `unresolved` the names of the others, which only a cluster knows.
    `passed_over` are the other containers of the file, `init` the init containers of the pod that
    end before this one starts, each with its command.
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
    post_start: Hook | None = None
    init: tuple[tuple[str, tuple[str, ...]], ...] = ()
    passed_over: tuple[Choice, ...] = ()


def load(
    source: str, container: str | None = None, template: Sequence[str] | None = None
) -> Workload:
    """Read the container that `choose` chooses of a manifest, and name those passed over.

    `template` is where kinds that Kubernetes does not have itself hold their pod.

    Raises `ManifestError` with the file, the line and what was expected there.
    """
    found = resources(source)
    choices = containers(found, template) or missing_pod(source, found)
    choice = choose(choices, container)
    others = tuple(other for other in choices if other is not choice)
    loaded = replace(workload(choice), passed_over=others)
    for kind, handler in loaded.handlers.items():
        if not isinstance(handler, Exec) and not handler.port:
            field = choice.container.need(f"{kind}Probe")
            action = field.get("tcpSocket") or field.need("httpGet")
            port = action.need("port")
            port.fail(f"expected the name of a port of this container, got {port.value!r}")
    return loaded


def workload(choice: Choice) -> Workload:
    """Read what the chosen container says."""
    spec = choice.pod.need("spec")
    container = choice.container
    ports = container_ports(container)
    probes: list[Probe] = []
    handlers: dict[ProbeKind, Handler] = {}
    static = static_environment(container)
    for kind in PROBE_KINDS:
        field = container.get(f"{kind}Probe")
        if field and choice.role == "init container":
            field.fail(
                "expected none: of init containers only one with restartPolicy Always has probes"
            )
        if field:
            probes.append(probe_of(kind, field))
            handlers[kind] = handler_of(_with_port(choice, field, ports), ports, static)
    pre_stop = container.find("lifecycle", "preStop")
    post_start = container.find("lifecycle", "postStart")
    grace = spec.get("terminationGracePeriodSeconds")
    shared = spec.get("shareProcessNamespace")
    env, unresolved = environment(container)
    return Workload(
        choice=choice,
        container=Container(
            container.need("name").text() if choice.resource.native else choice.container_name,
            tuple(probes),
            grace=grace.number(0, MOST) if grace else 30,
            restart_policy=_restart_policy(choice),
            pre_stop=pre_stop is not None,
            alone=len(spec.need("containers").items()) == 1,
            own_restart_policy=_own_restart_policy(choice),
            restart_rules=tuple(_restart_rules(container)),
            sidecar=choice.role == "sidecar",
            post_start=post_start is not None,
            stop_signal=_stop_signal(container),
            pod=f"{choice.name}_{choice.resource.effective_namespace}({NO_UID})",
        ),
        handlers=handlers,
        ports=tuple(port for port, _ in ports),
        command=_command(container, env),
        env=env,
        unresolved=unresolved,
        pre_stop=hook_of(pre_stop, ports) if pre_stop else None,
        post_start=hook_of(post_start, ports) if post_start else None,
        init=tuple(_init(choice)),
        shares_processes=shared.flag() if shared else False,
    )


def _init(choice: Choice) -> Iterator[tuple[str, tuple[str, ...]]]:
    for container in choice.pod.need("spec").items_of("initContainers"):
        if container.path == choice.container.path:
            return
        policy = container.get("restartPolicy")
        if policy is None or policy.value != "Always":
            yield container.need("name").text(), _command(container, {})


def _with_port(choice: Choice, probe: Field, ports: Ports) -> Field:
    """Fill in the port of a probe as Knative does: that of the container, of which it has one."""
    for name in () if choice.resource.native or not ports else ("tcpSocket", "httpGet"):
        action = probe.get(name)
        if action and not action.get("port"):
            value = {**probe.mapping(), name: {**action.mapping(), "port": ports[0][0]}}
            return Field(probe.document, probe.path, value)
    return probe


def _restart_policy(choice: Choice) -> RestartPolicy:
    spec = choice.pod.need("spec")
    policy = spec.get("restartPolicy")
    if (
        choice.resource.native
        and "Job" in choice.kind
        and (policy is None or policy.value == "Always")
    ):
        (policy or spec).fail("expected a restartPolicy of OnFailure or Never in a Job")
    restarts = policy.one_of(RESTART_POLICIES) if policy else "Always"
    if choice.role == "sidecar":
        return "Always"
    # An init container that ends well has done its work.
    once = choice.role == "init container" and restarts == "Always"
    return "OnFailure" if once else restarts


def _own_restart_policy(choice: Choice) -> RestartPolicy | None:
    policy = choice.container.get("restartPolicy")
    return policy.one_of(RESTART_POLICIES) if policy and choice.role != "sidecar" else None


def _stop_signal(container: Field) -> str:
    field = container.find("lifecycle", "stopSignal")
    if field is None:
        return "SIGTERM"
    try:
        stop_signal.number(field.text())
    except ValueError as error:
        field.fail(str(error))
    return field.text()


def _restart_rules(container: Field) -> Iterator[RestartRule]:
    for rule in container.items_of("restartPolicyRules"):
        codes = rule.need("exitCodes")
        negated = codes.need("operator").one_of(("In", "NotIn")) == "NotIn"
        values = (value.number(0, 255) for value in codes.items_of("values"))
        yield RestartRule(rule.need("action").one_of(RULE_ACTIONS), frozenset(values), negated)


def _command(container: Field, env: Mapping[str, str]) -> tuple[str, ...]:
    command = container.get("command")
    arguments = container.get("args")
    if not command:
        return ()
    words = command.items() + (arguments.items() if arguments else [])
    return tuple(expanded(word, env) for word in words)

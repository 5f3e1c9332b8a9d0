from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Exec
from tcp_probe.kubelet.restart_policy import policy_of
from tcp_probe.manifest.documents import Path
from tcp_probe.manifest.fields import Field
from tcp_probe.manifest.probe_fields import host_of

from .services import Services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcp_probe.kubelet.handlers import Handler
    from tcp_probe.kubelet.prober import Probe, ProbeKind
    from tcp_probe.kubelet.restart_policy import RestartPolicy
    from tcp_probe.manifest.workload import Workload

    from .timing import Timing

KILLING: tuple[ProbeKind, ...] = ("startup", "liveness")
NO_SERVICES = Services(())
HOOKS = ("postStart", "preStop")
# A container that declares a port: its place and its name.
Holder = tuple[Path, str]
# Where something was found, the reason, and the fix.
Rule = Iterator[tuple[Field, str, str]]


def declared_ports(pod: Field) -> dict[int, list[Holder]]:
    """Return the ports that the containers of a pod declare, each with two of those at most."""
    declared: dict[int, list[Holder]] = {}
    for container in pod.need("spec").items_of("containers"):
        holder = container.path, container.need("name").text()
        for port in container.items_of("ports"):
            holders = declared.setdefault(port.need("containerPort").number(1, 65535), [])
            if len(holders) < 2 and holder not in holders:  # noqa: PLR2004 - this one and another
                holders.append(holder)
    return declared


@dataclass(frozen=True)
class Probed:
    """One probe, how it checks, and where both stand. A command has no port: number 0."""

    probe: Probe
    handler: Handler
    field: Field
    port: Field | None
    host: Field | None
    number: int


@dataclass(frozen=True)
class Command:
    """A command that kubelet runs in the container; `probe` is None for one of a hook."""

    words: tuple[str, ...]
    field: Field
    probe: Probe | None


@dataclass(frozen=True)
class Case:
    """What the rules look at. `clean_end` is how long the worker needs to end, in seconds.

    It is None where nothing is known of that. `services` are those of the file, `declared` are the
    ports of the pod where they are known already.
    """

    workload: Workload
    timing: Timing
    clean_end: float | None = None
    uses_tcp_probe: bool = False
    services: Services = NO_SERVICES
    declared: Mapping[int, Sequence[Holder]] | None = None

    @property
    def container(self) -> Field:
        """The container."""
        return self.workload.choice.container

    @property
    def pod(self) -> Field:
        """Its pod, or the template of it."""
        return self.workload.choice.pod

    @cached_property
    def spec(self) -> Field:
        """The spec of its pod."""
        return self.pod.need("spec")

    @cached_property
    def ports_of_others(self) -> dict[int, str]:
        """The ports that other containers of the pod declare, each with the name of one."""
        if self.workload.choice.role == "init container":
            return {}
        declared = declared_ports(self.pod) if self.declared is None else self.declared
        others: dict[int, str] = {}
        for number, holders in declared.items():
            names = [name for path, name in holders if path != self.container.path]
            if names:
                others[number] = names[0]
        return others

    @cached_property
    def restart_policy(self) -> RestartPolicy:
        """When the container is restarted, by its own policy or its pod's."""
        return policy_of(self.workload.container, self.timing.rules)

    @property
    def on_host_network(self) -> bool:
        """Whether the pod uses the network of its node."""
        field = self.spec.get("hostNetwork")
        return field is not None and field.flag()

    @cached_property
    def probes(self) -> dict[ProbeKind, Probed]:
        """The probes, each by its kind."""
        probes: dict[ProbeKind, Probed] = {}
        for probe in self.workload.container.probes:
            field = self.container.need(f"{probe.kind}Probe")
            action = next(filter(None, map(field.get, ("tcpSocket", "httpGet", "grpc"))), None)
            port = action and action.get("port")
            handler = self.workload.handlers[probe.kind]
            number = 0 if isinstance(handler, Exec) else handler.port
            probes[probe.kind] = Probed(probe, handler, field, port, host_of(field), number)
        return probes

    @cached_property
    def commands(self) -> list[Command]:
        """The commands of probes and hooks."""
        commands = [
            Command(probed.handler.command, probed.field.need("exec").need("command"), probed.probe)
            for probed in self.probes.values()
            if isinstance(probed.handler, Exec)
        ]
        for hook in HOOKS:
            field = self.container.find("lifecycle", hook, "exec", "command")
            if field:
                commands.append(Command(field.texts(), field, None))
        return commands

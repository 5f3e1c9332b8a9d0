from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tcp_probe.kubelet.handlers import Exec, Grpc, HttpGet, TcpSocket, is_nodes_own
from tcp_probe.kubelet.messages import get_failed, refused
from tcp_probe.manifest.environment import expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tcp_probe.kubelet.handlers import Handler, Hook
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.manifest.fields import Field
    from tcp_probe.manifest.workload import Workload

AnyHandler = TypeVar("AnyHandler", "Handler", "Hook")


def dialled(workload: Workload, address: str) -> Mapping[ProbeKind, Handler]:
    """Return the handlers as kubelet runs them: at the pod's address, with `$(NAME)` filled in.

    A host that the manifest names stays as it is. Of variables an exec probe gets the static ones
    only, as they were written; one that comes from the cluster is empty for it.
    """
    container = workload.choice.container
    static = {
        variable.need("name").text(): value.text() if (value := variable.get("value")) else ""
        for variable in container.items_of("env")
    }
    handlers: dict[ProbeKind, Handler] = {}
    for kind, handler in workload.handlers.items():
        if isinstance(handler, Exec):
            command = tuple(expand(word, static) for word in handler.command)
            handlers[kind] = Exec(command)
        else:
            handlers[kind] = at(handler, container.find(f"{kind}Probe"), address)
    return handlers


def refused_by_node(workload: Workload, kind: ProbeKind) -> str | None:
    """Say what kubelet is told where a probe names a host that to it is its node's own loopback.

    None where the probe names none, or where the pod shares the network of its node.
    """
    handler = workload.handlers[kind]
    shared = workload.choice.pod.find("spec", "hostNetwork")
    if isinstance(handler, Exec | Grpc) or (shared and shared.value is True):
        return None
    host = _host(workload.choice.container.find(f"{kind}Probe"))
    if not is_nodes_own(host):
        return None
    reason = refused(handler.address)
    return get_failed(handler.url, reason) if isinstance(handler, HttpGet) else reason


def at(handler: AnyHandler, field: Field | None, address: str) -> AnyHandler:
    """Return a handler or hook of this field with the pod's address, unless it names a host."""
    if not isinstance(handler, (TcpSocket, HttpGet, Grpc)):
        return handler
    return handler if _host(field) else replace(handler, host=address)


def elsewhere(workload: Workload) -> Iterator[tuple[ProbeKind, str]]:
    """Yield the probes that ask a host which is neither the pod nor its node, and that host."""
    for kind in workload.handlers:
        host = _host(workload.choice.container.find(f"{kind}Probe"))
        if host and not is_nodes_own(host):
            yield kind, host


def _host(field: Field | None) -> str:
    """Return the host that a probe or a hook names; empty for none, which is the pod."""
    host = field and (field.find("tcpSocket", "host") or field.find("httpGet", "host"))
    return host.text() if host else ""

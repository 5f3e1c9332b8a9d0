from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tcp_probe.kubelet.handlers import Exec, Grpc, HttpGet, TcpSocket, is_nodes_own
from tcp_probe.kubelet.messages import get_failed, refused
from tcp_probe.manifest.probe_fields import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tcp_probe.kubelet.handlers import Handler, Hook
    from tcp_probe.kubelet.prober import ProbeKind
    from tcp_probe.manifest.fields import Field
    from tcp_probe.manifest.workload import Workload

AnyHandler = TypeVar("AnyHandler", "Handler", "Hook")


def dialled(workload: Workload, address: str) -> Mapping[ProbeKind, Handler]:
    """Return the handlers as kubelet runs them: at the pod's address, unless they name a host."""
    container = workload.choice.container
    return {
        kind: at(handler, container.need(f"{kind}Probe"), address)
        for kind, handler in workload.handlers.items()
    }


def refused_by_node(workload: Workload, kind: ProbeKind) -> str | None:
    """Say what kubelet is told where a probe names a host that to it is its node's own loopback.

    None where the probe names none, or where the pod shares the network of its node.
    """
    handler = workload.handlers[kind]
    shared = workload.choice.pod.find("spec", "hostNetwork")
    if isinstance(handler, Exec | Grpc) or (shared and shared.value is True):
        return None
    host = host_of(workload.choice.container.need(f"{kind}Probe"))
    if host is None or not is_nodes_own(host.text()):
        return None
    reason = refused(handler.address)
    return get_failed(handler.url, reason) if isinstance(handler, HttpGet) else reason


def at(handler: AnyHandler, field: Field, address: str) -> AnyHandler:
    """Return a handler or hook of this field with the pod's address, unless it names a host."""
    if not isinstance(handler, (TcpSocket, HttpGet, Grpc)):
        return handler
    return handler if host_of(field) else replace(handler, host=address)


def elsewhere(workload: Workload) -> Iterator[tuple[ProbeKind, str]]:
    """Yield the probes that ask a host which is neither the pod nor its node, and that host."""
    for kind in workload.handlers:
        host = host_of(workload.choice.container.need(f"{kind}Probe"))
        if host and not is_nodes_own(host.text()):
            yield kind, host.text()

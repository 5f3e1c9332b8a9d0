"""Rules about the ports and hosts that probes ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import HttpGet, TcpSocket, is_nodes_own

from .case import KILLING, Probed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcp_probe.manifest.fields import Field

    from .case import Case, Rule

DEPENDENCIES = re.compile(
    r"(?<![a-z])(ready|readyz|readiness|deep|full|deps?|dependency|dependencies|db|database"
    r"|upstreams?)(?![a-z])",
    re.IGNORECASE,
)


def named_port(case: Case) -> Rule:
    """Find named ports that the container does not have."""
    named = [port.get("name") for port in case.container.items_of("ports")]
    names = ", ".join(name.text() for name in named if name) or "none"
    for probed in case.probes.values():
        if probed.port and not probed.number:
            reason = (
                f"no port of this container has that name (it has {names}): kubelet cannot make "
                "the check and counts nothing, so liveness never fails, startup and readiness "
                "never succeed"
            )
            yield probed.port, reason, "write the name or the number of one of its ports"


def undeclared_port(case: Case) -> Rule:
    """Find ports that the container, which declares others, neither declares nor is told of."""
    ports = case.workload.ports
    for probed, port in _with_port(case):
        if ports and probed.number not in ports and not _told(case, probed.number):
            declared = ", ".join(map(str, ports))
            reason = f"{probed.number} is none of the ports that the container declares: {declared}"
            yield port, reason, "correct it, or declare the port and probe it by its name"


def ports_of_others(case: Case) -> Rule:
    """Find ports that another container of the pod listens on."""
    for probed, port in _with_port(case):
        other = case.ports_of_others.get(probed.number)
        if other and probed.number not in case.workload.ports:
            reason = f"{probed.number} is a port of container {other}, not of this one"
            yield port, reason, "probe each container on a port of its own"


def port_taken(case: Case) -> Rule:
    """Find ports that two containers declare: a pod has one network."""
    for field in case.container.items_of("ports"):
        port = field.need("containerPort")
        other = case.ports_of_others.get(port.number(1, 65535))
        if other:
            reason = f"container {other} declares it, too, and in a pod only one can listen on it"
            yield port, reason, "another port for one of them"


def udp_port(case: Case) -> Rule:
    """Find checks by TCP of ports that speak something else."""
    protocols: dict[int, set[str]] = {}
    for field in case.container.items_of("ports"):
        protocol = field.get("protocol")
        number = field.need("containerPort").number(1, 65535)
        protocols.setdefault(number, set()).add(protocol.text() if protocol else "TCP")
    for probed, port in _with_port(case):
        spoken = protocols.get(probed.number, {"TCP"})
        if "TCP" not in spoken:
            reason = f"it is declared as {', '.join(spoken)}, and kubelet connects by TCP"
            yield port, reason, "probe a port that speaks TCP, or an exec probe"


def port_number(case: Case) -> Rule:
    """Find ports probed by their number that have a name."""
    names = {
        field.need("containerPort").value: name.text()
        for field in case.container.items_of("ports")
        if (name := field.get("name"))
    }
    for probed, port in _with_port(case):
        # A grpc probe takes numbers only.
        known = names.get(port.value) if not probed.field.get("grpc") else None
        if known:
            reason = f"this port has the name {known}: a number has to be changed in two places"
            yield port, reason, f"port: {known}"


def not_http(case: Case) -> Rule:
    """Find pages asked of a port on which tcp_probe closes every connection."""
    tcp = {each.number for each in case.probes.values() if isinstance(each.handler, TcpSocket)}
    for probed, _ in _with_port(case):
        asks = not isinstance(probed.handler, TcpSocket)
        if case.uses_tcp_probe and asks and probed.number in tcp:
            reason = "tcp_probe.serve answers no request on its port: this check always fails"
            yield probed.field, reason, "tcpSocket in place of it, or another port"


def loopback_host(case: Case) -> Rule:
    """Find checks of the node itself."""
    for probed in case.probes.values():
        host = probed.host
        if host and is_nodes_own(host.text()) and not case.on_host_network:
            reason = "kubelet connects from the node, whose own address this is: not the pod's"
            yield host, reason, "remove host: the default is the pod's address"


def other_host(case: Case) -> Rule:
    """Find checks of something else than the pod."""
    for probed in case.probes.values():
        host = probed.host
        if host and not is_nodes_own(host.text()):
            reason = "kubelet connects there, not to the pod: what it finds says nothing of it"
            yield host, reason, "remove host: the default is the pod's address"


def service_mesh(case: Case) -> Rule:
    """Find TCP checks that a proxy answers."""
    annotations = case.pod.find("metadata", "annotations")
    inject = annotations and annotations.get("linkerd.io/inject")
    if not annotations or not inject or inject.value == "disabled":
        return
    skipped = annotations.get("config.linkerd.io/skip-inbound-ports")
    for probed in case.probes.values():
        tcp = isinstance(probed.handler, TcpSocket)
        if tcp and not _within(probed.number, skipped.text() if skipped else ""):
            reason = "Linkerd's proxy accepts every connection itself: this probe never fails"
            fix = f'add config.linkerd.io/skip-inbound-ports: "{probed.number}" to the annotations'
            yield probed.field, reason, fix


def checks_dependencies(case: Case) -> Rule:
    """Find liveness pages that may ask others."""
    for probed in map(case.probes.get, KILLING):
        if probed and isinstance(probed.handler, HttpGet):
            found = DEPENDENCIES.search(probed.handler.path)
            if found:
                reason = (
                    f"{found.group()!r} sounds as if this page asked other services, too: when one "
                    "of them is down, every worker is restarted, which mends nothing"
                )
                yield probed.field.need("httpGet"), reason, "a page that asks nobody else"


def _with_port(case: Case) -> Iterator[tuple[Probed, Field]]:
    for probed in case.probes.values():
        if probed.port and probed.number:
            yield probed, probed.port


def _told(case: Case, number: int) -> bool:
    """Say whether the container is given this number as an argument or a variable."""
    arguments = case.container.get("args")
    words = (*case.workload.command, *(arguments.texts() if arguments else ()))
    wanted = re.compile(rf"(?<!\d){number}(?!\d)")
    return any(wanted.search(word) for word in (*words, *case.workload.env.values()))


def _within(number: int, ports: str) -> bool:
    """Say whether a list such as `25,9000-9100` has the number."""
    ranges = re.findall(r"(\d{1,5})(?:-(\d{1,5}))?", ports)
    return any(int(first) <= number <= int(last or first) for first, last in ranges)

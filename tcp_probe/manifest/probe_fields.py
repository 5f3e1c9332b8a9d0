from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from tcp_probe.kubelet.handlers import Exec, Grpc, Handler, Hook, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.prober import Probe, ProbeKind

from .environment import expanded
from .fields import MOST, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # The ports of a container, with their names.
    Ports = Sequence[tuple[int, str | None]]

PROBE_KINDS: tuple[ProbeKind, ...] = get_args(ProbeKind)


def container_ports(container: Field) -> Ports:
    """Return the ports of a container, with their names."""
    return tuple(
        (
            port.need("containerPort").number(1, 65535),
            name.text() if (name := port.get("name")) else None,
        )
        for port in container.items_of("ports")
    )


def probe_of(kind: ProbeKind, field: Field) -> Probe:
    """Read the figures of a probe; 0 stands for the default, as it does for Kubernetes."""

    def number(name: str, default: int, most: int = MOST) -> int:
        given = field.get(name)
        return (given.number(0, most) if given else 0) or default

    grace = field.get("terminationGracePeriodSeconds")
    if grace and kind == "readiness":
        grace.fail("expected only in a liveness or startup probe: readiness kills nothing")
    return Probe(
        kind,
        period=number("periodSeconds", 10),
        timeout=number("timeoutSeconds", 1),
        initial_delay=number("initialDelaySeconds", 0),
        success_threshold=number("successThreshold", 1, MOST if kind == "readiness" else 1),
        failure_threshold=number("failureThreshold", 3),
        grace=grace.number(1, MOST) if grace else None,
    )


def handler_of(field: Field, ports: Ports, static: Mapping[str, str]) -> Handler:
    """Read how a probe checks; `static` are the variables that a command may refer to."""
    name, action = _one_of(field, ("tcpSocket", "httpGet", "exec", "grpc"))
    if name == "grpc":
        service = action.get("service")
        port = action.need("port").number(1, 65535)
        return Grpc(port, service=service.text() if service else "")
    if name == "exec":
        command = action.need("command")
        return Exec(
            tuple(expanded(word, static) for word in command.items())
            or command.fail("expected a command, got an empty list")
        )
    return TcpSocket(*_address(action, ports)) if name == "tcpSocket" else _http_get(action, ports)


def hook_of(field: Field, ports: Ports) -> Hook:
    """Read what runs after the start or before SIGTERM."""
    name, action = _one_of(field, ("exec", "httpGet", "sleep", "tcpSocket"))
    if name == "sleep":
        return Sleep(action.need("seconds").number(0, MOST))
    if name == "tcpSocket":
        return TcpSocket(*_address(action, ports))
    return _command(action) if name == "exec" else _http_get(action, ports)


def host_of(field: Field) -> Field | None:
    """Return the host that a probe or a hook names; None for none, which is the pod."""
    host = field.find("tcpSocket", "host") or field.find("httpGet", "host")
    return host if host and host.text() else None


def _one_of(field: Field, names: Sequence[str]) -> tuple[str, Field]:
    given = [name for name in names if field.get(name)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        field.fail(f"expected one of {', '.join(names)}, got {found}")
    return given[0], field.need(given[0])


def _command(field: Field) -> Exec:
    command = field.need("command")
    return Exec(command.texts() or command.fail("expected a command, got an empty list"))


def _http_get(field: Field, ports: Ports) -> HttpGet:
    path = field.get("path")
    scheme = field.get("scheme")
    return HttpGet(
        *_address(field, ports),
        (path.text() if path else "") or "/",
        scheme.one_of(("HTTP", "HTTPS")) if scheme and scheme.value != "" else "HTTP",
        tuple(
            (header.need("name").text(), header.need("value").text())
            for header in field.items_of("httpHeaders")
        ),
    )


def _address(field: Field, ports: Ports) -> tuple[int, str]:
    port = field.need("port")
    host = field.get("host")
    return _port(port, ports), host.text() if host else "127.0.0.1"


def _port(field: Field, ports: Ports) -> int:
    if not isinstance(field.value, str):
        return field.number(1, 65535)
    named = {name: port for port, name in ports}
    return named.get(field.value, int(field.value) if field.value.isdecimal() else 0)

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from .go_format import joined

# So much longer than the timeout (s) kubelet waits for the container runtime to give up.
RUNTIME_LIMIT = 120.0

# To connect to the address that stands for all of a machine's own is to connect to it, too.
_NODES_OWN = re.compile(r"localhost|127(\.\d+){3}|0\.0\.0\.0|\[?::1?\]?", re.IGNORECASE)


def is_nodes_own(host: str) -> bool:
    """Tell whether a host that a probe names is, to kubelet, the node that it runs on itself."""
    return _NODES_OWN.fullmatch(host) is not None


@dataclass(frozen=True)
class TcpSocket:
    """A check that connects. Port 0 stands for the name of a port that does not exist."""

    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """Host and port as one."""
        return joined(self.host, self.port)


@dataclass(frozen=True)
class HttpGet:
    """A check that gets a page."""

    port: int
    host: str = "127.0.0.1"
    path: str = "/"
    scheme: str = "HTTP"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        """Host and port as one."""
        return joined(self.host, self.port)

    @property
    def url(self) -> str:
        """The address of the page."""
        path = quote(self.path.removeprefix("/"), safe="/%?&=+:,;@!$'()*~")
        return f"{self.scheme.lower()}://{self.address}/{path}"


@dataclass(frozen=True)
class Exec:
    """A check that runs a command."""

    command: tuple[str, ...]


@dataclass(frozen=True)
class Grpc:
    """A check that asks the health service of a gRPC server; "" asks for the server as a whole."""

    port: int
    host: str = "127.0.0.1"
    service: str = ""

    @property
    def address(self) -> str:
        """Host and port as one."""
        return joined(self.host, self.port)


@dataclass(frozen=True)
class Sleep:
    """A hook that does nothing for some seconds."""

    seconds: float


Handler = TcpSocket | HttpGet | Exec | Grpc
# A tcpSocket hook is taken by the API, and always fails: kubelet has no such hook.
Hook = HttpGet | Exec | Sleep | TcpSocket

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


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
class Sleep:
    """A hook that does nothing for some seconds."""

    seconds: float


Handler = TcpSocket | HttpGet | Exec
Hook = HttpGet | Exec | Sleep


def joined(host: str, port: int) -> str:
    """Write host and port as one, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

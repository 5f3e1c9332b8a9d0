from __future__ import annotations

from typing import Any

import pytest

from tcp_probe.manifest.documents import Document
from tcp_probe.manifest.fields import Field
from tcp_probe.manifest.probe_fields import host_of


@pytest.mark.parametrize(
    ("probe", "host"),
    [
        ({"tcpSocket": {"port": 80, "host": "10.1.2.3"}}, "10.1.2.3"),
        ({"httpGet": {"port": 80, "host": "localhost"}}, "localhost"),
        ({"tcpSocket": {"port": 80, "host": ""}}, None),
        ({"httpGet": {"port": 80}}, None),
        ({"grpc": {"port": 80, "host": "localhost"}}, None),
        ({"exec": {"command": ["check"]}}, None),
    ],
)
def test_a_probe_asks_the_pod_unless_it_names_a_host(
    probe: dict[str, Any], host: str | None
) -> None:
    """An empty one is none, and a grpc probe has no such field."""
    field = host_of(Field(Document("a.yaml", probe, 1)))
    assert (field and field.text()) == host

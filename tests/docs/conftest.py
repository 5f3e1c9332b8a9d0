from __future__ import annotations

import random
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `pages` is what these tests have in common

DOCUMENTED_PORTS = (8000, 9090, 9091)


def unused_port() -> int:
    """Find a port below those that the kernel picks for others meanwhile."""
    while True:
        port = random.randrange(20000, 32000)  # noqa: S311 - nothing secret
        try:
            with socket.create_server(("", port)):
                return port
        except OSError:
            continue


@pytest.fixture
def elsewhere() -> Callable[[str], str]:
    """Put ports that nobody has in place of the documented ones, which somebody may have."""
    ports = {str(port): str(unused_port()) for port in DOCUMENTED_PORTS}

    def elsewhere(text: str) -> str:
        for documented, port in ports.items():
            text = text.replace(documented, port)
        return text

    return elsewhere

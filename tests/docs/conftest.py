from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `pages` is what these tests have in common

DOCUMENTED_PORTS = (8000, 9090, 9091)


@pytest.fixture
def elsewhere(ports: Callable[[], int]) -> Callable[[str], str]:
    """Put ports that nobody has in place of the documented ones, which somebody may have."""
    numbers = {str(port): str(ports()) for port in DOCUMENTED_PORTS}

    def elsewhere(text: str) -> str:
        for documented, port in numbers.items():
            text = text.replace(documented, port)
        return text

    return elsewhere

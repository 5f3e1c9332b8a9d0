"""What is said of a hook after the start that may take as long as it likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]


def test_the_allowance_for_a_start_begins_after_its_hook(
    manifest: Manifest, pod: Pod, capsys: pytest.CaptureFixture[str]
) -> None:
    """No probe runs while a command or a page of a hook takes its time."""
    document = pod(
        livenessProbe={"tcpSocket": {"port": 9090}},
        lifecycle={"postStart": {"exec": {"command": ["prepare"]}}},
    )
    assert explain([manifest(document)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "That begins when the postStart hook has ended, which nothing limits." in said

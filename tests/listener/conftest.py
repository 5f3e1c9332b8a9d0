from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty file that is the termination log."""
    path = tmp_path / "termination-log"
    path.touch()
    monkeypatch.delenv("TCP_PROBE_TERMINATION_LOG", raising=False)
    return path

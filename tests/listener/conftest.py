from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_probe import _acceptor, _in_order
from tcp_probe._termination_log import TerminationMessage


@pytest.fixture(autouse=True)
def enough_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an end wait for a thread as long as a busy machine may hold it up."""
    monkeypatch.setattr(_in_order, "_PATIENCE", 20.0)
    monkeypatch.setattr(_acceptor, "_PATIENCE", 20.0)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty file that is the termination log."""
    path = tmp_path / "termination-log"
    path.touch()
    monkeypatch.delenv("TCP_PROBE_TERMINATION_LOG", raising=False)
    return path


@pytest.fixture
def told() -> list[tuple[float, str]]:
    """Note what is told of a process that stood still."""
    return []


@pytest.fixture
def message(file: Path, told: list[tuple[float, str]]) -> Iterator[TerminationMessage]:
    """Make what a port has to say in the file, whose dump is never due in a test."""
    message = TerminationMessage(str(file), 1, lambda *of_a_dump: told.append(of_a_dump))
    yield message
    message.close()

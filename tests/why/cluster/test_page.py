from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tcp_probe.why.command import why

PAGE = Path(__file__).parents[3] / "docs" / "why.md"


def test_the_page_shows_what_is_printed(
    recorded_cluster: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict in docs/why.md is that of the recording, to the letter."""
    monkeypatch.setenv("COLUMNS", "80")
    assert why(["claude-worker", "-n", "lab4"]) == 1
    said = capsys.readouterr().out
    shown = PAGE.read_text(encoding="utf-8").partition("$ tcp-probe why claude-worker -n lab4\n")[2]
    assert shown.partition("```")[0] == said

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"


def pictures() -> Any:
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_a_hang_is_what_kubelets_rules_say() -> None:
    """It is drawn anew whenever they change: `python docs/pictures.py`."""
    assert (DOCS / "hang.svg").read_text(encoding="utf-8") == pictures().hang()


def test_the_picture_of_a_hang_tells_minutes_from_seconds() -> None:
    """A backlog of 100 passes 101 more checks; the listener's port refuses within one period."""
    picture = pictures().hang()
    assert "asyncio.start_server: 101 more checks pass; killed after 17 min 21 s" in picture
    assert "tcp_probe.serve(9090): 1 more check passes; killed after 40 s" in picture

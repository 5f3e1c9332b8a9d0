from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_quick_run_of_the_faults(tmp_path: Path) -> None:
    """A quick run judges each candidate in each of its rows, and writes JSON and tables."""
    command = [sys.executable, "-m", "benchmarks.faults", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=90).stdout
    tables = (tmp_path / "faults.md").read_text()
    assert printed.decode() == tables
    results = json.loads((tmp_path / "faults.json").read_text())
    assert {"date", "machine", "cores_others_kept_busy", "took_seconds", "cells"} <= set(results)
    cells = {(cell["condition"], cell["candidate"]): cell for cell in results["cells"]}
    assert len(cells) == 12
    for (condition, candidate), cell in cells.items():
        assert f"| {condition} |" in tables
        assert f"| {candidate} |" in tables
        assert cell["checks"] > 2
        killed = cell["killed_after"] is not None
        assert cell["failed"] >= 3 * killed
        if condition == "process gone":
            assert killed
        if condition == "idle all the time":
            assert not killed
    assert cells["worker returns, the process lives", "tcp_probe on asyncio"]["killed_after"] > 1.9

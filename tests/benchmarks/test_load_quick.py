from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_quick_run_of_the_load(tmp_path: Path) -> None:
    """A quick run does every part with tiny counts, and writes JSON and tables."""
    command = [sys.executable, "-m", "benchmarks.load", "--quick", "--output", str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=90).stdout
    tables = (tmp_path / "load.md").read_text()
    assert printed.decode() == tables
    assert [line[3:6] for line in tables.splitlines() if line.startswith("## ")] == [
        f"({letter})" for letter in "abcdef"
    ]
    results = json.loads((tmp_path / "load.json").read_text())
    assert {"date", "machine", "cores_others_kept_busy", "took_seconds", "sizes"} <= set(results)
    assert len(results["endurance"]["asyncio"]) == 10
    for flooded in results["floods"].values():
        assert flooded["quiet"]["units_per_second"] > 0
        assert flooded["floods"]["16"]["clients"]["connected"] > 0
    for abuse in results["abuse"]["asyncio"].values():
        assert sum(abuse["connections"].values()) == results["sizes"]["abuses"]
        assert abuse["checks"]["passed"] > 0
    assert results["entries"]["asyncio"]["each_s"] > 0
    assert results["watchdogs"]["asyncio"]["reset_s"] > 0
    assert set(results["time_wait"]["asyncio"]) == {"server", "client"}

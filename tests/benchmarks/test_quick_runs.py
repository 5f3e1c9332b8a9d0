from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def _quick(name: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the tables and the results of a quick run."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--output", str(folder)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=240)
    assert (folder / f"{name}.md").read_text(encoding="utf-8") == run.stdout
    results = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    assert {"date", "machine", "cores_others_kept_busy", "took_seconds", "sizes"} <= set(results)
    return run.stdout, results


def test_a_quick_run_of_the_backlogs(tmp_path: Path) -> None:
    """A quick run tells kills and failures for each backlog, way to check and timeout."""
    tables, results = _quick("backlog", tmp_path)
    assert len(results["found"]) == 2 * 2
    for row, backlogs in results["found"].items():
        assert f"| {row} |" in tables
        assert list(backlogs) == ["backlog 0", "backlog 2"]
        for each in backlogs.values():
            assert each["checks"] >= 3
            assert each["failed"] >= 3 * each["kills"]
            assert f" {each['kills']} ({each['share_failed']:.1%}) |" in tables


def test_a_quick_run_of_the_faults(tmp_path: Path) -> None:
    """A quick run judges each candidate in each of its rows."""
    tables, results = _quick("faults", tmp_path)
    cells = {(row, name): cell for row, of in results["found"].items() for name, cell in of.items()}
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


def test_a_quick_run_of_the_load(tmp_path: Path) -> None:
    """A quick run does every part with tiny counts."""
    tables, results = _quick("load", tmp_path)
    assert [line[3:6] for line in tables.splitlines() if line.startswith("## ")] == [
        f"({letter})" for letter in "abcdef"
    ]
    assert len(results["endurance"]["asyncio"]["parts"]) == 10
    floods = {row.rpartition(", ")[::2]: flood for row, flood in results["floods"].items()}
    assert len(floods) == 4
    for (_, clients), flood in floods.items():
        assert flood["units_per_second"] > 0
        assert (flood["clients"]["connected"] > 0) == (clients != "0")
        assert (flood["share"] == 1) == (clients == "0")
    assert len(results["abuse"]) == 5
    for abuse in results["abuse"].values():
        assert sum(abuse["connections"].values()) == results["sizes"]["abuses"]
        assert abuse["checks"]["checks"] > abuse["checks"]["failed"]
    assert results["entries"]["asyncio"]["each_s"] > 0
    assert results["watchdogs"]["asyncio"]["reset_s"] > 0
    assert set(results["time_wait"]["asyncio"]) == {"server", "client"}

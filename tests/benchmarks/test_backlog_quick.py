from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_quick_run_of_the_backlogs(tmp_path: Path) -> None:
    """A quick run tells kills and failures for each backlog, way to check and timeout."""
    command = [sys.executable, "-m", "benchmarks.backlog", "--quick", "--output", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=90)
    assert (tmp_path / "backlog.md").read_text() == run.stdout
    found = json.loads((tmp_path / "backlog.json").read_text())["found"]
    assert len(found) == 2 * 2 * 2
    for each in found:
        assert each["checks"] >= 3
        assert each["failed"] >= 3 * each["kills"]
        assert f"| {each['loop']} | {each['moments']} | {each['timeout']:g} |" in run.stdout

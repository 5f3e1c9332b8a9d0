from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_quick_run_of_the_backlogs() -> None:
    """One round tells, for each loop and each way to check, a share for each of nine backlogs."""
    command = [sys.executable, "-m", "benchmarks.backlog", "--rounds", "1"]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=90)
    rows = re.findall(r"^\| (\w+) \| ([\w ]+) \|((?: \d+\.\d% \|){9})$", run.stdout, re.MULTILINE)
    assert [row[:2] for row in rows] == [
        (loop, moments)
        for loop in ("asyncio", "uvloop", "trio")
        for moments in ("at once", "each on its own")
    ]

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.faults import __main__ as faults
from benchmarks.faults.conditions import Condition
from tcp_probe.kubelet.steps import Outcome

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
    (rows,) = results["tables"].values()
    assert len(rows) == 2 * 2
    for row, backlogs in rows.items():
        assert f"| {row} |" in tables
        assert list(backlogs) == ["backlog 0", "backlog 2"]
        for kills, failed, checks in backlogs.values():
            assert checks >= 3
            assert round(failed / 100 * checks) >= 3 * kills
            assert f" {kills} / {float(f'{failed:.3g}'):g} / {checks} |" in tables


def test_a_quick_run_of_the_faults(tmp_path: Path) -> None:
    """A quick run judges each candidate in each of its rows."""
    tables, results = _quick("faults", tmp_path)
    killed, healthy, checks = results["tables"].values()
    assert list(killed) == ["worker returns, the process lives", "process gone"]
    assert list(healthy) == ["idle all the time"]
    assert [len(row) for row in checks.values()] == [4, 4, 4]
    for condition, row in (killed | healthy).items():
        assert f"| {condition} |" in tables
        for candidate, killed_after in row.items():
            assert f"| {candidate} |" in tables
            made, failed, *_ = checks[condition][candidate]
            assert made > 2
            assert failed >= 3 * (killed_after != "never")
    assert "never" not in killed["process gone"].values()
    assert set(healthy["idle all the time"].values()) == {"never"}
    assert killed["worker returns, the process lives"]["tcp_probe on asyncio"] > 1.9


def test_a_worker_is_killed_for_the_client_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several clients at the same instant each is judged by itself, and one is enough."""
    asking: list[object] = []

    async def check(_: str) -> Outcome:
        asking.append(asyncio.current_task())
        return Outcome(success=asking[-1] is asking[0], message="no room")

    monkeypatch.setattr(faults, "check", check)
    monkeypatch.setattr(faults, "HAPPENS_AFTER", 0.0)
    busy = Condition("busy", print, is_fault=False, clients=2)
    server = SimpleNamespace(told="tcp 1", poll=int, send_signal=int)
    judging = faults._judge(server, busy, time.monotonic(), 60.0)  # type: ignore[arg-type]
    killed_after, made = asyncio.run(judging)
    assert isinstance(killed_after, float)
    assert killed_after > 1.5
    assert {each.success for each in made} == {True, False}


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    """`--output` with a file in its way is an error of usage, in one line."""
    (tmp_path / "file").touch()
    for name in ("cost", "faults", "load", "backlog"):
        command = [sys.executable, "-m", f"benchmarks.{name}", "--output", str(tmp_path / "file")]
        run = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=240
        )
        assert run.returncode == 2
        assert run.stderr.splitlines()[-1].endswith(f"{tmp_path / 'file'}: File exists")


def test_a_quick_run_of_the_load(tmp_path: Path) -> None:
    """A quick run does every part with tiny counts."""
    tables, results = _quick("load", tmp_path)
    assert [line[3:6] for line in tables.splitlines() if line.startswith("## ")] == [
        f"({letter})" for letter in "abcdef"
    ]
    endurance, floods, abuses, entries, watchdogs, time_wait = results["tables"].values()
    assert endurance["asyncio"]["checks/s"] > 0
    assert len(floods) == 4
    for row, flood in floods.items():
        flooded = not row.endswith(", 0")
        assert (flood["connections/s"] > 0) == flooded
        assert (flood["worker's share of the CPU, %"] == 100) != flooded
        assert flood["worker's share of the CPU, %"] > 0
    assert len(abuses) == 5
    for abuse in abuses.values():
        outcomes = abuse["served"] + abuse["reset"] + abuse["found no room"]
        assert outcomes == results["sizes"]["abuses"]
        assert abuse["checks"] > abuse["failed"]
    assert entries["asyncio"]["each, µs"] > 0
    assert watchdogs["asyncio"]["reset, ns"] > 0
    assert set(time_wait["asyncio"]) == {"on the worker's side", "on the client's"}

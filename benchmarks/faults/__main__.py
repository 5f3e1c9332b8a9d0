"""Which failures a probe sees, and how soon: this listener beside what people use.

    python -m benchmarks.faults [--quick] [--output FOLDER]

Every worker is a process of its own. A checker with kubelet's rules (period 1 s, timeout 1 s, three
failures in a row) checks it; after 3 s the condition happens to it, half a period before a check.
The tables tell how many seconds later kubelet would kill it, or never. Takes 12 min, and 15 s with
`--quick`, which runs a few cells and writes no files unless told where.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path

import anyio

from benchmarks.faults.candidates import CANDIDATES
from benchmarks.faults.checker import Cell, Verdict, judge, running
from benchmarks.faults.conditions import CONDITIONS, Condition
from benchmarks.faults.plan import batches
from benchmarks.faults.report import markdown
from benchmarks.machine import Others, describe
from benchmarks.markdown import provenance
from tcp_probe.rehearse.guard import VARIABLE
from tcp_probe.rehearse.processes import guarded

RESULTS = Path(__file__).parents[1] / "results"
PACKAGES = ("anyio", "aiohttp", "fastapi", "uvicorn", "uvloop", "claude-agent-sdk")
QUICK_CANDIDATES = (
    "tcp_probe",
    "asyncio.start_server",
    "HTTP server in a thread",
    "exec with a PID file",
)
QUICK_CONDITIONS = ("worker returns, the process lives", "process gone", "idle all the time")


def main() -> None:
    """Run the cells and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few cells, in 15 s")
    parser.add_argument("--output", type=Path, help="where to write faults.json and faults.md")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error(f"expected Linux, whose accounting is read from /proc, got {sys.platform}")
    candidates = QUICK_CANDIDATES if arguments.quick else tuple(CANDIDATES)
    conditions = [
        CONDITIONS[name] for name in (QUICK_CONDITIONS if arguments.quick else CONDITIONS)
    ]
    limit = 6.0 if arguments.quick else 150.0
    runnable = [each for each in conditions if not each.needs or find_spec(each.needs)]
    not_run = [each for each in conditions if each not in runnable]
    others = Others()
    began = time.monotonic()
    verdicts = _run_all(candidates, runnable, limit)
    facts = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": describe(PACKAGES),
        "cores_others_kept_busy": round(others.cores(), 2),
        "took_seconds": round(time.monotonic() - began),
        "limit_seconds": limit,
        "not_run": [each.name for each in not_run],
        "cells": [
            {"candidate": cell.candidate, "condition": cell.condition.name, **asdict(verdict)}
            for cell, verdict in verdicts.items()
        ],
    }
    text = f"{provenance(facts)}\n{markdown(candidates, verdicts, not_run, limit)}"
    print(text, end="")
    folder = arguments.output or (None if arguments.quick else RESULTS)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "faults.json").write_text(json.dumps(facts, indent=1) + "\n")
        (folder / "faults.md").write_text(text)


def _run_all(
    candidates: Sequence[str], conditions: Sequence[Condition], limit: float
) -> dict[Cell, Verdict]:
    verdicts: dict[Cell, Verdict] = {}
    began = time.monotonic()
    token = uuid.uuid4().hex
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no worker is left behind
    # The workers are killed, and so leave their temporary files behind.
    with tempfile.TemporaryDirectory() as folder, guarded(token):
        os.environ.update({VARIABLE: token, "TMPDIR": folder})
        for batch in batches(candidates, conditions):
            verdicts |= anyio.run(_run, batch, limit)
            print(f"{time.monotonic() - began:.0f} s: {len(verdicts)} cells", file=sys.stderr)
    return verdicts


async def _run(batch: Sequence[Cell], limit: float) -> dict[Cell, Verdict]:
    """Run the cells of a batch at the same time, once all of their workers have started."""
    verdicts: dict[Cell, Verdict] = {}
    started = 0
    all_started = anyio.Event()

    async def run(index: int, cell: Cell) -> None:
        nonlocal started
        async with running(cell) as (pid, checked):
            started += 1
            if started == len(batch):
                all_started.set()
            await all_started.wait()
            # So that their checks do not all come at once.
            await anyio.sleep(index / len(batch))
            verdicts[cell] = await judge(pid, checked, cell.condition.clients, limit)

    async with anyio.create_task_group() as tasks:
        for index, cell in enumerate(batch):
            tasks.start_soon(run, index, cell)
    return verdicts


if __name__ == "__main__":
    main()

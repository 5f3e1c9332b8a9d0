"""What the listener takes: a million checks, floods, misuse, and its own entries and watchdogs.

    python -m benchmarks.load [--quick] [--output FOLDER] [--part PART ...]

All on loopback. Takes 15 min, and 20 s with `--quick`, whose counts are tiny and which writes no
files unless told where.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.load import abuse, endurance, entries, floods, time_wait, watchdogs
from benchmarks.load.cores import CLIENT_CORE
from benchmarks.load.sizes import FULL, QUICK
from benchmarks.machine import Others, describe
from benchmarks.markdown import provenance
from benchmarks.processes import ROOT

PACKAGES = ("anyio", "trio", "uvloop", "aiohttp", "fastapi", "uvicorn")
PARTS = {
    each.__name__.rpartition(".")[2]: each
    for each in (endurance, floods, abuse, entries, watchdogs, time_wait)
}


def main() -> None:
    """Run the parts and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, action="append", help="leave out the others")
    parser.add_argument("--quick", action="store_true", help="tiny counts, in 20 s")
    parser.add_argument("--output", type=Path, help="where to write load.json and load.md")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error(f"expected Linux, whose accounting is read from /proc, got {sys.platform}")
    sizes = QUICK if arguments.quick else FULL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    machine = describe(PACKAGES)
    others = Others()
    os.sched_setaffinity(0, {CLIENT_CORE})  # clients inherit it
    began = time.monotonic()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.part or PARTS:
            print(f"{time.monotonic() - began:.0f} s: {name}", file=sys.stderr)
            found[name] = PARTS[name].measure(sizes, Path(folder))
    facts = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": machine,
        "cores_others_kept_busy": round(others.cores(), 2),
        "took_seconds": round(time.monotonic() - began),
        "sizes": asdict(sizes),
    }
    sections = [
        "\n".join([f"## {PARTS[name].TITLE}\n", *PARTS[name].report(each, sizes)])
        for name, each in found.items()
    ]
    text = "\n".join([provenance(facts), *sections])
    print(text, end="")
    results = arguments.output or (None if arguments.quick else ROOT / "benchmarks" / "results")
    if results:
        results.mkdir(parents=True, exist_ok=True)
        (results / "load.json").write_text(json.dumps({**facts, **found}, indent=1) + "\n")
        (results / "load.md").write_text(text)


if __name__ == "__main__":
    main()

"""How every benchmark runs: its options, the facts of the machine, its tables, where they go."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import ROOT, no_process_left

PACKAGES = ("anyio", "trio", "uvloop", "aiohttp", "fastapi", "uvicorn", "claude-agent-sdk")
_BEGAN = time.monotonic()

# Figures by the table, row and column that they stand in; a column's name tells their unit.
Rows = dict[str, dict[str, Any]]
Tables = dict[str, Rows]
# For each size its value in full, and in a quick run.
Sizes = Mapping[str, tuple[Any, Any]]


def say(text: str) -> None:
    """Tell at once what goes on."""
    print(f"{time.monotonic() - _BEGAN:5.1f} s  {text}", file=sys.stderr, flush=True)


def run(
    name: str,
    doc: str | None,
    sizes: Sizes,
    measure: Callable[[Mapping[str, Any]], Tables],
    texts: Mapping[str, str],
) -> tuple[dict[str, Any], Path | None]:
    """Measure as the command line says; print the tables and write them; return the results.

    `texts` are what stands above a table, and may name sizes. A quick run writes nothing unless it
    is told where. The second value is the folder written to.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=doc)
    parser.add_argument("--quick", action="store_true", help="tiny counts, which mean nothing")
    results_folder = ROOT / "benchmarks" / "results"
    told = "folder for the results (default: benchmarks/results; with --quick: nowhere)"
    parser.add_argument("--output", type=Path, metavar="FOLDER", help=told)
    given = parser.parse_args()
    if sys.platform != "linux":
        parser.error(f"expected Linux, whose accounting is read from /proc, got {sys.platform}")
    output: Path | None = given.output or (None if given.quick else results_folder)
    try:
        if output:
            output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output: expected a folder, got {output}: {error.strerror}")
    # An import of a deployed worker compiles nothing either.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = {key: pair[given.quick] for key, pair in sizes.items()}
    began, others = time.monotonic(), _others_cpu()
    with tempfile.TemporaryDirectory() as folder, no_process_left():
        # The workers are killed, and so leave their temporary files behind.
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        tables = measure(chosen)
        tempfile.tempdir = None
    took = time.monotonic() - began
    results = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": _machine(),
        "packages": {name: each.version for name in PACKAGES for each in distributions(name=name)},
        "cores_others_kept_busy": round(max(0.0, (_others_cpu() - others) / took), 2),
        "took_seconds": round(took),
        "quick": given.quick,
        "sizes": chosen,
        "tables": tables,
    }
    packages = ", ".join(f"{name} {number}" for name, number in results["packages"].items())
    text = (
        f"{results['date']}, {results['machine']}; {packages}. Other processes kept "
        f"{results['cores_others_kept_busy']:g} cores busy. Took {results['took_seconds']} s.\n"
    )
    for title, rows in tables.items():
        above = texts.get(title, "").format(**chosen)
        text += "\n\n".join(filter(None, [f"\n## {title}", above, _table(rows)]))
    print(text, end="")
    if output:
        written = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        (output / f"{name}.json").write_text(written, encoding="utf-8")
        (output / f"{name}.md").write_text(text, encoding="utf-8")
    return results, output


def _table(rows: Rows) -> str:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [["", *columns], ["---", *["---:"] * len(columns)]]
    lines += [[name, *(_shown(row.get(each)) for each in columns)] for name, row in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shown(figure: Any) -> str:
    """Return a figure to three digits; of rounds their median and quartiles."""
    if figure is None:
        return "-"
    if isinstance(figure, dict):
        median, lower, upper = map(_shown, figure.values())
        return median if lower == upper else f"{median} ({lower}-{upper})"
    if isinstance(figure, list):
        return " / ".join(map(_shown, figure))
    if isinstance(figure, float):
        return f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
    return str(figure)


def _machine() -> str:
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = facts.partition("model name\t: ")[2].partition("\n")[0]
    processor = f"{model} ({platform.machine()})" if model else platform.machine()
    return (
        f"{platform.system()} {platform.release()}, {processor}, {os.cpu_count()} cores, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _others_cpu() -> float:
    """Return the seconds that others have kept the cores busy, or the hypervisor taken them."""
    every, own = psutil.cpu_times(), os.times()
    return sum(every) - every.idle - every.iowait - every.guest - every.guest_nice - sum(own[:4])

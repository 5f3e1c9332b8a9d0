"""How every benchmark runs: its options, the facts of the machine, its tables, where they go."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
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
SPREAD = ("median", "lower_quartile", "upper_quartile")
UNITS = {"": 1, "KiB": 1 / 1024, "MB": 1e-6, "%": 1e2, "ms": 1e3, "µs": 1e6, "ns": 1e9}
_BEGAN = time.monotonic()

Results = dict[str, Any]
# For each size its value in full, and in a quick run.
Sizes = Mapping[str, tuple[Any, Any]]


def say(text: str) -> None:
    """Tell at once what goes on."""
    print(f"{time.monotonic() - _BEGAN:5.1f} s  {text}", file=sys.stderr, flush=True)


def run(
    name: str,
    doc: str | None,
    sizes: Sizes,
    measure: Callable[[Mapping[str, Any]], Results],
    markdown: Callable[[Results], str],
) -> tuple[Results, Path | None]:
    """Measure as the command line says; print the tables and write them; return the results.

    A quick run writes nothing unless it is told where. The second value is the folder written to.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="tiny counts, which mean nothing")
    parser.add_argument("--output", type=Path, help="where to write the results")
    given = parser.parse_args()
    if sys.platform != "linux":
        parser.error(f"expected Linux, whose accounting is read from /proc, got {sys.platform}")
    # An import of a deployed worker compiles nothing either.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = {key: pair[given.quick] for key, pair in sizes.items()}
    began, others = time.monotonic(), _others_cpu()
    with tempfile.TemporaryDirectory() as folder, no_process_left():
        # The workers are killed, and so leave their temporary files behind.
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        found = measure(chosen)
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
        **found,
    }
    text = report(results, markdown)
    print(text, end="")
    output: Path | None = given.output or (None if given.quick else ROOT / "benchmarks" / "results")
    if output:
        output.mkdir(parents=True, exist_ok=True)
        written = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        (output / f"{name}.json").write_text(written, encoding="utf-8")
        (output / f"{name}.md").write_text(text, encoding="utf-8")
    return results, output


def report(results: Results, markdown: Callable[[Results], str]) -> str:
    """Return what the Markdown file says: where and when it was measured, and the tables."""
    packages = ", ".join(f"{name} {number}" for name, number in results["packages"].items())
    return (
        f"{results['date']}, {results['machine']}; {packages}. Other processes kept "
        f"{results['cores_others_kept_busy']:g} cores busy. Took {results['took_seconds']} s.\n\n"
        f"{markdown(results)}"
    )


def table(rows: Mapping[str, Any], columns: Mapping[str, str], head: str = "") -> str:
    """Return a table: in front the name of each row under `head`, then a cell for each column.

    A column has a template, as "{resident_bytes/last:.1f MB}": the way to a figure of the row, how
    to write it, and the unit to write it in, where that is not its own. A row in which nothing is
    known is left out.
    """
    lines = [[head, *columns], ["---", *["---:"] * len(columns)]]
    for name, figures in rows.items():
        cells = [cell(template, figures) for template in columns.values()]
        if set(cells) != {"-"}:
            lines.append([name, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(template: str, figures: Any) -> str:
    """Fill a template with figures: see `table`."""

    def fill(field: re.Match[str]) -> str:
        way, form, unit = field.groups()
        found = figures
        for step in way.split("/"):
            found = found[int(step)] if isinstance(found, list) else found and found.get(step)
        return _shown(found, form, unit)

    text = re.sub(r"{([^:}]+):?([^ }]*) ?([^}]*)}", fill, template)
    return text if text.strip("-/ ") else "-"


def _shown(found: Any, form: str, unit: str) -> str:
    """Return a figure; of rounds their median and quartiles."""
    if found is None:
        return "-"
    if isinstance(found, dict):
        return "{} ({}-{})".format(*(_shown(found[each], form, unit) for each in SPREAD))
    return format(found * UNITS[unit], form)


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

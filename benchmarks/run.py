"""How every benchmark runs: its options, the facts of the machine, and where its results go."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import ROOT, no_process_left

PACKAGES = ("anyio", "trio", "uvloop", "aiohttp", "fastapi", "uvicorn", "claude-agent-sdk")
SPREAD = ("median", "lower_quartile", "upper_quartile")
_BEGAN = time.monotonic()

Columns = Mapping[str, Callable[[Any], object]]
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
    measure: Callable[[Mapping[str, Any], Path], Results],
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
        os.environ["TMPDIR"] = folder
        found = measure(chosen, Path(folder))
    took = time.monotonic() - began
    results = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": _machine(),
        "cores_others_kept_busy": round(max(0.0, (_others_cpu() - others) / took), 2),
        "took_seconds": round(took),
        "quick": given.quick,
        "sizes": chosen,
        **found,
    }
    text = f"{_provenance(results)}\n{markdown(results)}"
    print(text, end="")
    output: Path | None = given.output or (None if given.quick else ROOT / "benchmarks" / "results")
    if output:
        output.mkdir(parents=True, exist_ok=True)
        written = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        (output / f"{name}.json").write_text(written, encoding="utf-8")
        (output / f"{name}.md").write_text(text, encoding="utf-8")
    return results, output


def table(rows: Iterable[Any], columns: Columns) -> str:
    """Return a table, its first column to the left and the others to the right."""
    lines = [list(columns), ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[str(cell(row)) for cell in columns.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(figure: str, form: str = "{:.1f}", scale: float = 1.0) -> Callable[[Any], str]:
    """Return what shows a figure of a row, which is a name and its figures.

    `figure`: the way to it, with dots. Of rounds it shows median and quartiles, of percentiles all.
    """

    def shown(found: Any) -> str:
        if found is None:
            return "-"
        if not isinstance(found, dict):
            return form.format(found * scale)
        if "median" in found:
            return "{} ({}-{})".format(*(shown(found[each]) for each in SPREAD))
        return " / ".join(map(shown, found.values()))

    def cell_of(row: tuple[str, Any]) -> str:
        found = row[1]
        for step in figure.split("."):
            found = found and found.get(step)
        return shown(found)

    return cell_of


def _machine() -> dict[str, Any]:
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = facts.partition("model name\t: ")[2].partition("\n")[0]
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{model} ({platform.machine()})" if model else platform.machine(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {
            name: found[0].version if (found := [*distributions(name=name)]) else None
            for name in PACKAGES
        },
    }


def _provenance(results: Results) -> str:
    machine = results["machine"]
    packages = [f"{name} {number}" for name, number in machine["packages"].items() if number]
    return (
        f"{results['date']}, {machine['system']}, {machine['processor']}, {machine['cores']} "
        f"cores, {machine['python']}; {', '.join(packages)}. Other processes kept "
        f"{results['cores_others_kept_busy']:g} cores busy. Took {results['took_seconds']} s.\n"
    )


def _others_cpu() -> float:
    """Return the seconds that others have kept the cores busy, or the hypervisor taken them."""
    every, own = psutil.cpu_times(), os.times()
    return sum(every) - every.idle - every.iowait - every.guest - every.guest_nice - sum(own[:4])

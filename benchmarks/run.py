"""How every benchmark runs: its options, the facts of the machine, and where its results go."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.processes import ROOT, no_process_left

PACKAGES = ("anyio", "trio", "uvloop", "aiohttp", "fastapi", "uvicorn", "claude-agent-sdk")
_CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
SERVER_CORE, CLIENT_CORE = _CORES[0], _CORES[-1]  # the same one where there is only one
_BEGAN = time.monotonic()

Row = TypeVar("Row")
# For each size its value in full, and in a quick run.
Sizes = Mapping[str, tuple[Any, Any]]


def say(text: str) -> None:
    """Tell at once what goes on."""
    print(f"{time.monotonic() - _BEGAN:5.1f} s  {text}", file=sys.stderr, flush=True)


def run(  # noqa: PLR0913, PLR0917 (each says another thing about the same run)
    name: str,
    doc: str | None,
    sizes: Sizes,
    measure: Callable[[Mapping[str, Any], Path], dict[str, Any]],
    markdown: Callable[[dict[str, Any]], str],
    parts: Sequence[str] = (),
) -> tuple[dict[str, Any], Path | None]:
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
    if parts:
        parser.add_argument("--part", choices=parts, action="append", help="leave out the others")
    given = parser.parse_args()
    if sys.platform != "linux":
        parser.error(f"expected Linux, whose accounting is read from /proc, got {sys.platform}")
    # An import of a deployed worker compiles nothing either.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = {key: pair[given.quick] for key, pair in sizes.items()}
    if parts:
        chosen["parts"] = given.part or list(parts)
    machine, began, busy = _describe(), time.monotonic(), _busy() - _own()
    with tempfile.TemporaryDirectory() as folder, no_process_left():
        # The workers are killed, and so leave their temporary files behind.
        os.environ["TMPDIR"] = folder
        found = measure(chosen, Path(folder))
    took = time.monotonic() - began
    results = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": machine,
        "cores_others_kept_busy": round(max(0.0, (_busy() - _own() - busy) / took), 2),
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


def table(rows: Iterable[Row], columns: Mapping[str, Callable[[Row], object]]) -> str:
    """Return a table, its first column to the left and the others to the right."""
    lines = [list(columns), ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[str(cell(row)) for cell in columns.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _describe() -> dict[str, Any]:
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            processor = f"{line.partition(':')[2].strip()} ({platform.machine()})"
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor,
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _provenance(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    packages = [f"{name} {number}" for name, number in machine["packages"].items() if number]
    return (
        f"{results['date']}, {machine['system']}, {machine['processor']}, {machine['cores']} "
        f"cores, {machine['python']}; {', '.join(packages)}. Other processes kept "
        f"{results['cores_others_kept_busy']:g} cores busy. Took {results['took_seconds']} s.\n"
    )


def _busy() -> float:
    """Return the seconds that all cores were busy since boot, or taken away by the hypervisor."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)

"""The results as Markdown, and the picture of the CPU of a check."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.candidates import LISTENERS, UNWATCHED
from benchmarks.cost.derived import NODE_FORMULA, VERDICTS
from benchmarks.cost.samples import EXEC_PROBES, FLOOR
from benchmarks.cost.spread import Figures
from benchmarks.run import SPREAD, Columns, Results, cell, table

_ONE_CHECK: Columns = {
    "": itemgetter(0),
    "connect p50 / p99 / p99.9, µs": cell("connect_us", "{:.0f}"),
    "to its end p50 / p99 / p99.9, µs": cell("whole_us", "{:.0f}"),
    "server CPU, µs": cell("server_cpu_us"),
    "times the floor": cell("ratio_to_floor", "{:.2f}"),
    "client CPU, µs": cell("client_cpu_us", "{:.0f}"),
    "a busy worker loses, µs": cell("worker_loss_us"),
}
_STANDING: Columns = {
    "": itemgetter(0),
    "resident memory added, MB": cell("resident_bytes", "{:.2f}", 1e-6),
    "peak of a check's process, MB": cell("peak_bytes", "{:.1f}", 1e-6),
    "bytes kept per check": cell("kept_bytes", "{:.2f}"),
    "import over anyio's, ms of CPU": cell("import.ms"),
    "import over anyio's, MB": cell("import.bytes", "{:.2f}", 1e-6),
    "idle, s of CPU per hour": cell("idle_cpu_s_per_hour", "{:.3f}"),
}
_CLAIMS: Columns = {
    "": itemgetter(0),
    "at most": cell("bound", "{:.3g}"),
    "measured": cell("measured", "{:.3g}"),
    "verdict": lambda row: VERDICTS[row[1]["holds"]],
}
_PUBLISHED: Columns = {
    "": itemgetter(0),
    "published": itemgetter(1),
    "measured here": itemgetter(2),
}


def markdown(results: Results) -> str:
    """Return every table."""
    candidates, sizes = results["candidates"], results["sizes"]
    paces: dict[str, Any] = {"": itemgetter(0)}
    for rate in (*(rate for rate, _ in sizes["rates"]), 1000):
        paces[f"{rate}/s"] = cell(f"cpu_us_at_rate.{rate}.median")
    for level in sizes["levels"]:
        paces[f"{level} at once"] = cell(f"cpu_us_at_once.{level}.median")
    standing = dict(candidates)
    for each in UNWATCHED:
        found = candidates[each.name.partition(",")[0]]
        standing[each.name] = {"idle_cpu_s_per_hour": found["idle_cpu_s_per_hour_unwatched"]}
    nodes: dict[str, dict[str, Any]] = {}
    of_a_node: dict[str, Any] = {"": itemgetter(0)}
    for row in results["node"]:
        nodes.setdefault(row["candidate"], {})[str(row["pods"])] = row
        for unit, form in (("millicores", "{:.2f}"), ("megabytes", "{:.0f}")):
            of_a_node[f"{row['pods']} pods, {unit}"] = cell(f"{row['pods']}.{unit}", form)
    servers = [row for row in candidates.items() if row[0] not in EXEC_PROBES]
    tables = {
        "One check": table(candidates.items(), _ONE_CHECK),
        "At every pace: µs of CPU per check": table(servers, paces),
        "What stands while nobody checks": table(standing.items(), _STANDING),
        "What must hold": table([(each["text"], each) for each in results["claims"]], _CLAIMS),
        "A node: liveness and readiness, each every 10 s": (
            f"{table(nodes.items(), of_a_node)}\n```\n{NODE_FORMULA}```\n"
        ),
        "Published estimates": table(results["published"], _PUBLISHED),
    }
    return "\n".join(f"## {title}\n\n{text}" for title, text in tables.items())


def draw(candidates: Figures, folder: Path) -> None:
    """Write cost-cpu.svg: the CPU of one check, the server's or an exec probe's own."""
    colours = {FLOOR: "#7f8c8d"} | {each.name: "#0b6e4f" for each in LISTENERS}
    # The same figures give the same file, and text stays text.
    with mpl.rc_context({"svg.hashsalt": "cost", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8, 3.6), layout="constrained", facecolor="white")
        figure.suptitle("CPU of one check: the server's; of an exec probe its own", fontsize=11)
        axes = figure.add_subplot(
            xscale="log", xlabel="µs, median and quartiles of the rounds (logarithmic)"
        )
        axes.spines[["top", "right"]].set_visible(False)
        for name, found in candidates.items():
            taken = found.get("client_cpu_us") or found["server_cpu_us"]
            middle, lower, upper = (taken[each] for each in SPREAD)
            error = [[middle - lower], [upper - middle]]
            axes.barh(name, middle, xerr=error, color=colours.get(name, "#c8702a"))
            axes.annotate(f" {middle:.0f}", (upper, name), va="center")
        axes.set_xlim(left=10)
        axes.margins(x=0.1)
        axes.invert_yaxis()
        figure.savefig(folder / "cost-cpu.svg", metadata={"Date": None})

"""The results as Markdown, and the picture of the CPU of a check."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.candidates import LISTENERS, UNWATCHED
from benchmarks.cost import node
from benchmarks.cost.claims import VERDICTS
from benchmarks.cost.samples import EXEC_PROBES, FLOOR
from benchmarks.cost.spread import Figures
from benchmarks.run import SPREAD, Columns, Results, cell, table


def markdown(results: Results) -> str:
    """Return every table."""
    candidates = results["candidates"]
    rows = list(candidates.items())
    servers = [row for row in rows if row[0] not in EXEC_PROBES]
    paces: dict[str, Any] = {"": itemgetter(0)}
    for rate in servers[0][1]["cpu_us_at_rate"]:
        paces[f"{rate}/s"] = cell(f"cpu_us_at_rate.{rate}.median")
    for level in servers[0][1]["cpu_us_at_once"]:
        paces[f"{level} at once"] = cell(f"cpu_us_at_once.{level}.median")
    one_check: Columns = {
        "": itemgetter(0),
        "connect p50 / p99 / p99.9, µs": cell("connect_us", "{:.0f}"),
        "to its end p50 / p99 / p99.9, µs": cell("whole_us", "{:.0f}"),
        "server CPU, µs": cell("server_cpu_us"),
        "times the floor": cell("ratio_to_floor", "{:.2f}"),
        "client CPU, µs": cell("client_cpu_us", "{:.0f}"),
        "a busy worker loses, µs": cell("worker_loss_us"),
    }
    standing: Columns = {
        "": itemgetter(0),
        "resident memory added, MB": cell("resident_bytes", "{:.2f}", 1e-6),
        "peak of a check's process, MB": cell("peak_bytes", "{:.1f}", 1e-6),
        "bytes kept per check": cell("kept_bytes", "{:.2f}"),
        "import over anyio's, ms of CPU": cell("import.ms"),
        "import over anyio's, MB": cell("import.bytes", "{:.2f}", 1e-6),
        "idle, s of CPU per hour": cell("idle_cpu_s_per_hour", "{:.3f}"),
    }
    for each in UNWATCHED:
        found = candidates[each.name.partition(",")[0]]
        rows.append((each.name, {"idle_cpu_s_per_hour": found["idle_cpu_s_per_hour_unwatched"]}))
    claims: Columns = {
        "": itemgetter(0),
        "at most": cell("bound", "{:.3g}"),
        "measured": cell("measured", "{:.3g}"),
        "verdict": lambda row: VERDICTS[row[1]["holds"]],
    }
    nodes: dict[str, dict[str, str]] = {}
    for row in results["node"]:
        for unit, form in (("millicores", "{:.2f}"), ("megabytes", "{:.0f}")):
            cells = nodes.setdefault(row["candidate"], {"": row["candidate"]})
            cells[f"{row['pods']} pods, {unit}"] = form.format(row[unit])
    of_a_node: Columns = {head: itemgetter(head) for head in next(iter(nodes.values()))}
    heads = ("", "published", "measured here")
    published: Columns = {head: itemgetter(index) for index, head in enumerate(heads)}
    return "\n".join(
        [
            "## One check\n",
            table(results["candidates"].items(), one_check),
            "## At every pace: µs of CPU per check\n",
            table(servers, paces),
            "## What stands while nobody checks\n",
            table(rows, standing),
            "## What must hold\n",
            table([(each["text"], each) for each in results["claims"]], claims),
            "## A node: liveness and readiness, each every 10 s\n",
            table(nodes.values(), of_a_node),
            f"```\n{node.FORMULA}```\n",
            "## Published estimates\n",
            table(results["published"], published),
        ]
    )


def draw(candidates: Figures, folder: Path) -> None:
    """Write cost-cpu.svg: the CPU of one check, the server's or an exec probe's own."""
    spreads = {
        name: found.get("client_cpu_us") or found["server_cpu_us"]
        for name, found in candidates.items()
    }
    middles, lower, upper = ([each[figure] for each in spreads.values()] for figure in SPREAD)
    errors = [
        [middle - low for middle, low in zip(middles, lower, strict=True)],
        [high - middle for middle, high in zip(middles, upper, strict=True)],
    ]
    colours = dict.fromkeys(spreads, "#c8702a") | {FLOOR: "#7f8c8d"}
    colours |= {each.name: "#0b6e4f" for each in LISTENERS}
    # The same figures give the same file, and text stays text.
    with mpl.rc_context({"svg.hashsalt": "cost", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8, 3.6), layout="constrained", facecolor="white")
        figure.suptitle("CPU of one check: the server's; of an exec probe its own", fontsize=11)
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.barh(list(spreads), middles, xerr=errors, color=list(colours.values()))
        for row, (middle, high) in enumerate(zip(middles, upper, strict=True)):
            axes.annotate(f" {middle:.0f}", (high, row), va="center")
        axes.set_xscale("log")
        axes.set_xlim(left=10)
        axes.margins(x=0.1)
        axes.set_xlabel("µs, median and quartiles of the rounds (logarithmic)")
        axes.invert_yaxis()
        figure.savefig(folder / "cost-cpu.svg", metadata={"Date": None})

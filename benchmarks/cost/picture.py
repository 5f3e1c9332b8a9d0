"""The picture of the CPU of a check."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.candidates import LISTENERS
from benchmarks.cost.samples import CPU, FLOOR, OWN_CPU
from benchmarks.run import Rows


def draw(checks: Rows, folder: Path) -> None:
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
        for name, row in checks.items():
            middle, lower, upper = (row.get(OWN_CPU) or row[CPU]).values()
            error = [[middle - lower], [upper - middle]]
            axes.barh(name, middle, xerr=error, color=colours.get(name, "#c8702a"))
            axes.annotate(f" {middle:.0f}", (upper, name), va="center")
        axes.set_xlim(left=10)
        axes.margins(x=0.1)
        axes.invert_yaxis()
        figure.savefig(folder / "cost-cpu.svg", metadata={"Date": None})

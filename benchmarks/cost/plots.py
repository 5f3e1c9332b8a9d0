"""The results as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.candidates import LISTENERS
from benchmarks.cost.bench import FLOOR
from benchmarks.cost.exec_probes import EXEC_PROBES
from benchmarks.cost.node import PODS

_OURS, _FLOOR, _OTHERS = "#0b6e4f", "#7f8c8d", "#c8702a"
_LISTENERS = {each.name for each in LISTENERS}
_STYLES = {FLOOR: ":", "tcp_probe on uvloop": "--", "tcp_probe on trio": "-."}
_STYLES["tcp_probe in a thread"] = ":"


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Write cost-cpu.svg, cost-time.svg, cost-pace.svg and cost-node.svg."""
    # The same figures give the same file, and text stays text.
    with mpl.rc_context({"svg.hashsalt": "cost", "svg.fonttype": "none", "font.size": 9}):
        for name, figure in (
            ("cpu", _cpu(results["candidates"])),
            ("time", _time(results["candidates"])),
            ("pace", _pace(results["candidates"])),
            ("node", _node(results["node"])),
        ):
            figure.savefig(folder / f"cost-{name}.svg", metadata={"Date": None})


def _figure(title: str, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(8, height), layout="constrained", facecolor="white")
    figure.suptitle(title, fontsize=11)
    axes = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _colour(name: str) -> str:
    return _FLOOR if name == FLOOR else _OURS if name in _LISTENERS else _OTHERS


def _cpu(candidates: Mapping[str, Any]) -> Figure:
    figure, [axes] = _figure("CPU of one check: the server's; of an exec probe its own", 3.6)
    spreads = {
        name: found.get("client_cpu_us") or found["server_cpu_us"]
        for name, found in candidates.items()
    }
    middles = [each["median"] for each in spreads.values()]
    errors = [
        [max(0.0, each["median"] - each["lower_quartile"]) for each in spreads.values()],
        [max(0.0, each["upper_quartile"] - each["median"]) for each in spreads.values()],
    ]
    colours = [_colour(name) for name in spreads]
    axes.barh(list(spreads), middles, xerr=errors, color=colours, ecolor="#444444")
    for row, middle in enumerate(middles):
        axes.annotate(f" {middle:.0f}", (errors[1][row] + middle, row), va="center")
    axes.set_xscale("log")
    axes.set_xlim(left=10)
    axes.margins(x=0.1)
    axes.set_xlabel("µs, median and quartiles of the rounds (logarithmic)")
    axes.invert_yaxis()
    return figure


def _time(candidates: Mapping[str, Any]) -> Figure:
    figure, [axes] = _figure("How long a check takes", 3.8)
    for row, found in enumerate(candidates.values()):
        for figures, marker, shift in (("connect_us", "o", -0.15), ("whole_us", "s", 0.15)):
            times = [each for each in (found.get(figures) or {}).values() if each is not None]
            colour = _OURS if figures == "connect_us" else _OTHERS
            axes.plot(times, [row + shift] * len(times), f"{marker}-", color=colour, markersize=4)
    axes.plot([], [], "o-", color=_OURS, label="to connect: all that a tcpSocket probe waits for")
    axes.plot([], [], "s-", color=_OTHERS, label="to the end of the answer, or of the command")
    axes.set_yticks(range(len(candidates)), list(candidates))
    axes.set_xscale("log")
    axes.set_xlabel("µs: p50, p99, p99.9 (logarithmic)")
    axes.axvline(1e6, color="#aa0000", linewidth=0.8)
    axes.annotate("timeoutSeconds: 1 ", (1e6, 0), ha="right", color="#aa0000")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _pace(candidates: Mapping[str, Any]) -> Figure:
    figure, [rates, levels] = _figure("CPU per check at every pace", 4.2, columns=2)
    for axes, title in ((rates, "checks per second"), (levels, "checks at once")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(title)
    for name, found in candidates.items():
        if name in EXEC_PROBES:
            continue
        style = _STYLES.get(name, "-")
        for axes, figures in ((rates, "cpu_us_at_rate"), (levels, "cpu_us_at_once")):
            points = {int(at): each["median"] for at, each in found[figures].items()}
            colour = _colour(name) if name in _LISTENERS | {FLOOR} else None
            label = name if axes is rates else None
            axes.plot(
                list(points), list(points.values()), style, marker=".", color=colour, label=label
            )
            axes.set_xticks(list(points), [str(at) for at in points])
    limits = [limit for axes in (rates, levels) for limit in axes.get_ylim()]
    for axes in (rates, levels):
        axes.set_ylim(min(limits), max(limits))
        axes.xaxis.minorticks_off()
    rates.set_ylabel("µs (logarithmic)")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def _node(rows: list[dict[str, Any]]) -> Figure:
    figure, [cpu, memory] = _figure(
        f"A node with {PODS[1]} pods: liveness and readiness, each every 10 s", 3.4, columns=2
    )
    shown = [row for row in rows if row["pods"] == PODS[1]]
    names = [row["candidate"] for row in shown]
    colours = [_colour(name) for name in names]
    for axes, figures, label in (
        (cpu, "millicores", "CPU, millicores (logarithmic)"),
        (memory, "megabytes", "memory, MB (logarithmic)"),
    ):
        values = [max(row[figures], 0.01) for row in shown]
        axes.barh(names, values, color=colours)
        for row, value in enumerate(values):
            axes.annotate(f" {value:.1f}", (value, row), va="center")
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.margins(x=0.25)
        axes.invert_yaxis()
    memory.set_yticks([])
    return figure

"""The results as Markdown, and the picture of the CPU of a check."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.candidates import LISTENERS
from benchmarks.cost.derived import PODS
from benchmarks.cost.samples import FLOOR
from benchmarks.cost.spread import Figures
from benchmarks.run import SPREAD, Results, cell, table


def _times(figure: str) -> str:
    return " / ".join(f"{{{figure}/{each}:.0f}}" for each in ("median", "p99", "p99.9"))


_ONE_CHECK = {
    "connect p50 / p99 / p99.9, µs": _times("connect_us"),
    "to its end p50 / p99 / p99.9, µs": _times("whole_us"),
    "server CPU, µs": "{server_cpu_us:.1f}",
    "times the floor": "{times C floor:.2f}",
    "client CPU, µs": "{client_cpu_us:.0f}",
    "a busy worker loses, µs": "{worker_loss_us:.1f}",
}
_STANDING = {
    "resident memory added, MB": "{resident_bytes:.2f MB}",
    "peak of a check's process, MB": "{peak_bytes:.1f MB}",
    "bytes kept per check": "{kept_bytes/median:.2f}",
    "import over anyio's, ms of CPU": "{import_ms:.1f}",
    "import over anyio's, MB": "{import_bytes:.2f MB}",
    "idle, s of CPU per hour": "{idle_cpu_s_per_hour/median:.3f}",
}
_ESTIMATES = {each: f"{{{each}}}" for each in ("published", "measured here")}
_CLAIMS = {"at most": "{bound:.3g}", "measured": "{measured:.3g}", "verdict": "{verdict}"}
_NODE = {
    f"{pods} pods, {unit}": f"{{{pods}/{unit}:{form}}}"
    for pods in PODS
    for unit, form in (("millicores", ".2f"), ("megabytes", ".0f"))
}
_NODE_FORMULA = """
```
CPU of a node = pods x (0.2 checks/s x CPU per check at 1 check/s + CPU of the idle server per s)
memory of a node = pods x (resident memory added + 0.2 checks/s x time of a check x its peak memory)
```
"""
# What others estimate, and the templates of what was measured here.
_PUBLISHED = {
    "HTTP check, aiohttp, CPU": ("1-2 ms", "{aiohttp/server_cpu_us/median:.0f} µs"),
    "HTTP check, FastAPI, CPU": ("1-2 ms", "{FastAPI with uvicorn/server_cpu_us/median:.0f} µs"),
    "exec check, CPU": ("5-10 ms", "{exec Python script/client_cpu_us/median:.0f} µs"),
    "exec check, memory": ("10-20 MB", "{exec Python script/peak_bytes/median:.1f MB} MB"),
    "TCP check, time to connect": ("under 1 ms", "{tcp_probe on asyncio/connect_us/median:.0f} µs"),
    "TCP check, memory": ("about 1 KB", "{tcp_probe on asyncio/kept_bytes/median:.2f} B stay"),
    "Python start, bare": ("2-3 s", "{starts/python/median:.2f} s"),
    "Python start, with this listener": ("2-3 s", "{starts/worker/median:.2f} s"),
    "import of the Claude SDK": ("2-3 s", "{starts/import_s/median:.2f} s"),
    "CLI start": ("3-5 s", "{starts/cli_start_s/median:.2f} s"),
    "first API call, the client's part": ("1-2 s", "{starts/first_call_s/median:.2f} s"),
}


def markdown(results: Results) -> str:
    """Return every table."""
    candidates, sizes = results["candidates"], results["sizes"]
    servers = {name: each for name, each in candidates.items() if "cpu_us_at_once_1" in each}
    paces = {f"{rate}/s": f"{{cpu_us_at_rate_{rate}/median:.1f}}" for rate, _ in sizes["rates"]}
    paces["1000/s"] = "{server_cpu_us/median:.1f}"
    for level in sizes["levels"]:
        paces[f"{level} at once"] = f"{{cpu_us_at_once_{level}/median:.1f}}"
    measured = {**candidates, "starts": results["starts"]}
    published = {
        what: {"published": estimate, "measured here": cell(template, measured)}
        for what, (estimate, template) in _PUBLISHED.items()
    }
    tables = {
        "One check": table(candidates, _ONE_CHECK),
        "At every pace: µs of CPU per check": table(servers, paces),
        "What stands while nobody checks": table(candidates, _STANDING),
        "What must hold": table(results["claims"], _CLAIMS),
        "A node: liveness and readiness, each every 10 s": (
            table(results["node"], _NODE) + _NODE_FORMULA
        ),
        "Published estimates": table(published, _ESTIMATES),
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
            if taken := found.get("client_cpu_us") or found.get("server_cpu_us"):
                middle, lower, upper = (taken[each] for each in SPREAD)
                error = [[middle - lower], [upper - middle]]
                axes.barh(name, middle, xerr=error, color=colours.get(name, "#c8702a"))
                axes.annotate(f" {middle:.0f}", (upper, name), va="center")
        axes.set_xlim(left=10)
        axes.margins(x=0.1)
        axes.invert_yaxis()
        figure.savefig(folder / "cost-cpu.svg", metadata={"Date": None})

"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.candidates import UNWATCHED
from benchmarks.cost import node
from benchmarks.cost.exec_probes import EXEC_PROBES
from benchmarks.run import table

NONE = "-"
VERDICTS = {True: "pass", False: "**fail**", None: "not measured"}
Row = tuple[str, Mapping[str, Any]]
Cell = Callable[[Row], str]


def markdown(results: Mapping[str, Any]) -> str:
    """Return every table."""
    candidates = results["candidates"]
    rows: list[Row] = list(candidates.items())
    servers = [row for row in rows if row[0] not in EXEC_PROBES]
    rates, levels = (list(servers[0][1][key]) for key in ("cpu_us_at_rate", "cpu_us_at_once"))
    one_check = {
        "": _name,
        "connect p50 / p99 / p99.9, µs": _percentiles("connect_us"),
        "to its end p50 / p99 / p99.9, µs": _percentiles("whole_us"),
        "server CPU, µs": _spread("server_cpu_us"),
        "times the floor": _spread("ratio_to_floor", "{:.2f}"),
        "client CPU, µs": _spread("client_cpu_us", "{:.0f}"),
        "a busy worker loses, µs": _spread("worker_loss_us"),
    }
    paces: dict[str, Cell] = {"": _name}
    paces |= {f"{rate}/s": _median("cpu_us_at_rate", rate) for rate in rates}
    paces |= {f"{level} at once": _median("cpu_us_at_once", level) for level in levels}
    standing = {
        "": _name,
        "resident memory added, MB": _spread("resident_bytes", "{:.2f}", 1e-6),
        "peak of a check's process, MB": _spread("peak_bytes", "{:.1f}", 1e-6),
        "bytes kept per check": _number("kept_bytes", "{:.2f}"),
        "import over anyio's, ms of CPU": _spread("import.ms"),
        "import over anyio's, MB": _spread("import.bytes", "{:.2f}", 1e-6),
        "idle, s of CPU per hour": _number("idle_cpu_s_per_hour", "{:.3f}"),
    }
    unwatched = [
        (each.name, {"idle_cpu_s_per_hour": found["idle_cpu_s_per_hour_unwatched"]})
        for each in UNWATCHED
        for found in [candidates[each.name.partition(",")[0]]]
    ]
    claims = {
        "": lambda claim: claim["text"],
        "at most": lambda claim: f"{claim['bound']:.3g}",
        "measured": lambda claim: _shown(claim["measured"], "{:.3g}"),
        "verdict": lambda claim: VERDICTS[claim["holds"]],
    }
    nodes: dict[str, dict[str, str]] = {}
    for row in results["node"]:
        for unit, form in (("millicores", "{:.2f}"), ("megabytes", "{:.0f}")):
            cells = nodes.setdefault(row["candidate"], {})
            cells[f"{row['pods']} pods, {unit}"] = form.format(row[unit])
    of_a_node = {"": _name} | {
        head: lambda row, head=head: row[1][head] for head in next(iter(nodes.values()))
    }
    published: dict[str, Callable[[list[str]], str]] = {
        "": lambda row: row[0],
        "published": lambda row: row[1],
        "measured here": lambda row: row[2],
    }
    return "\n".join(
        [
            "## One check\n",
            table(rows, one_check),
            "## At every pace: µs of CPU per check\n",
            table(servers, paces),
            "## What stands while nobody checks\n",
            table([*rows, *unwatched], standing),
            "## What must hold\n",
            table(results["claims"], claims),
            "## A node: liveness and readiness, each every 10 s\n",
            table(nodes.items(), of_a_node),
            f"```\n{node.FORMULA}```\n",
            "## Published estimates\n",
            table(results["published"], published),
        ]
    )


def _name(row: Row) -> str:
    return row[0]


def _shown(value: float | None, form: str) -> str:
    return NONE if value is None else form.format(value)


def _of(row: Row, figure: str) -> Any:
    found: Any = row[1]
    for step in figure.split("."):
        found = found and found.get(step)
    return found


def _number(figure: str, form: str) -> Cell:
    return lambda row: _shown(_of(row, figure), form)


def _median(figure: str, at: str) -> Cell:
    return lambda row: f"{row[1][figure][at]['median']:.1f}"


def _percentiles(figure: str) -> Cell:
    def cell(row: Row) -> str:
        found = _of(row, figure)
        return " / ".join(_shown(each, "{:.0f}") for each in found.values()) if found else NONE

    return cell


def _spread(figure: str, form: str = "{:.1f}", scale: float = 1.0) -> Cell:
    def cell(row: Row) -> str:
        found = _of(row, figure)
        if not found:
            return NONE
        names = ("median", "lower_quartile", "upper_quartile")
        median, lower, upper = (form.format(found[name] * scale) for name in names)
        return f"{median} ({lower}-{upper})"

    return cell

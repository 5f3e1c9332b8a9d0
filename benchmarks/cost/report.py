"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.candidates import UNWATCHED
from benchmarks.cost import cluster
from benchmarks.cost.exec_probes import EXEC_PROBES
from benchmarks.markdown import table

NONE = "-"


def markdown(results: Mapping[str, Any]) -> str:
    """Return every table."""
    candidates = results["candidates"]
    sections = [
        _machine(results),
        "## One check\n",
        _one_check(candidates),
        "## At every pace: µs of CPU per check\n",
        _paces(candidates),
        "## What stands while nobody checks\n",
        _standing(candidates),
        "## What must hold\n",
        _claims(results["claims"]),
        "## A node: liveness and readiness, each every 10 s\n",
        _cluster(results["cluster"]),
        f"```\n{cluster.FORMULA}```\n",
        "## Published estimates\n",
        table(["", "published", "measured here"], results["published"]),
    ]
    return "\n".join(sections)


def _machine(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    packages = ", ".join(f"{name} {which}" for name, which in machine["packages"].items() if which)
    return (
        "# What a check costs\n\n"
        f"{machine['system']}, {machine['processor']}, {machine['cores']} cores, "
        f"{machine['python']}; {packages}. Client in {results['client']}. Other processes kept "
        f"{results['cores_busy_with_other_processes']:.2f} cores busy. "
        f"Took {results['took_s']:.0f} s.\n"
    )


def _one_check(candidates: Mapping[str, Any]) -> str:
    head = [
        "",
        "connect p50 / p99 / p99.9, µs",
        "to its end p50 / p99 / p99.9, µs",
        "server CPU, µs",
        "times the floor",
        "client CPU, µs",
        "a busy worker loses, µs",
    ]
    rows = [
        [
            name,
            _percentiles(found.get("connect_us")),
            _percentiles(found["whole_us"]),
            _spread(found["server_cpu_us"]),
            _spread(found.get("ratio_to_floor"), "{:.2f}"),
            _spread(found.get("client_cpu_us"), "{:.0f}"),
            _spread(found.get("worker_loss_us")),
        ]
        for name, found in candidates.items()
    ]
    return table(head, rows)


def _paces(candidates: Mapping[str, Any]) -> str:
    found = {name: each for name, each in candidates.items() if name not in EXEC_PROBES}
    first = next(iter(found.values()))
    rates, levels = list(first["cpu_us_at_rate"]), list(first["cpu_us_at_once"])
    head = ["", *[f"{rate}/s" for rate in rates], *[f"{level} at once" for level in levels]]
    rows = [
        [
            name,
            *[_median(each["cpu_us_at_rate"][rate]) for rate in rates],
            *[_median(each["cpu_us_at_once"][level]) for level in levels],
        ]
        for name, each in found.items()
    ]
    return table(head, rows)


def _standing(candidates: Mapping[str, Any]) -> str:
    head = [
        "",
        "resident memory added, MB",
        "peak of a check's process, MB",
        "bytes kept per check",
        "import over anyio's, ms of CPU",
        "import over anyio's, MB",
        "idle, s of CPU per hour",
    ]
    rows = []
    for name, found in candidates.items():
        imports = found.get("import") or {}
        rows.append(
            [
                name,
                _spread(found.get("resident_bytes"), "{:.2f}", 1e-6),
                _spread(found.get("peak_bytes"), "{:.1f}", 1e-6),
                _number(found.get("kept_bytes"), "{:.2f}"),
                _spread(imports.get("ms"), "{:.1f}"),
                _spread(imports.get("bytes"), "{:.2f}", 1e-6),
                _number(found.get("idle_cpu_s_per_hour"), "{:.3f}"),
            ]
        )
    unwatched = {each.name: each for each in UNWATCHED}
    for name in unwatched:
        listener = candidates[name.partition(",")[0]]
        idle = _number(listener["idle_cpu_s_per_hour_unwatched"], "{:.3f}")
        rows.append([name, *[NONE] * 5, idle])
    return table(head, rows)


def _claims(claims: Iterable[Mapping[str, Any]]) -> str:
    verdicts = {True: "pass", False: "**fail**", None: "not measured"}
    rows = [
        [
            claim["text"],
            _number(claim["bound"], "{:.3g}"),
            _number(claim["measured"], "{:.3g}"),
            verdicts[claim["holds"]],
        ]
        for claim in claims
    ]
    return table(["", "at most", "measured", ""], rows)


def _cluster(rows: Iterable[Mapping[str, Any]]) -> str:
    by_name: dict[str, list[str]] = {}
    for row in rows:
        cells = by_name.setdefault(row["candidate"], [row["candidate"]])
        cells += [f"{row['millicores']:.2f}", f"{row['megabytes']:.0f}"]
    head = ["", *[f"{n} pods, {unit}" for n in cluster.PODS for unit in ("millicores", "MB")]]
    return table(head, by_name.values())


def _percentiles(found: Mapping[str, float | None] | None) -> str:
    return " / ".join(_number(each, "{:.0f}") for each in found.values()) if found else NONE


def _median(found: Mapping[str, float]) -> str:
    return f"{found['median']:.1f}"


def _spread(found: Mapping[str, float] | None, form: str = "{:.1f}", scale: float = 1.0) -> str:
    if not found:
        return NONE
    write: Callable[[float], str] = lambda value: form.format(value * scale)  # noqa: E731
    quartiles = f"{write(found['lower_quartile'])}-{write(found['upper_quartile'])}"
    return f"{write(found['median'])} ({quartiles})"


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else form.format(value)

"""Write what cost.md and numbers.md tell of the benchmarks: `python docs/figures.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"

# The rows of the first table: what is measured, and what the page calls it.
SERVERS = {
    "C floor": "the floor",
    "bare add_reader": "the same in Python: a bare `add_reader` of asyncio",
    "tcp_probe on uvloop": "**tcp_probe** on uvloop",
    "tcp_probe on asyncio": "**tcp_probe** on asyncio",
    "tcp_probe on trio": "**tcp_probe** on trio",
    "tcp_probe in a thread": "**tcp_probe** in a thread (`with`)",
    "asyncio.start_server": "`asyncio.start_server` that accepts and closes",
    "anyio TCP listener": "`anyio.create_tcp_listener().serve`, likewise",
    "aiohttp": "aiohttp, `/healthz`",
    "FastAPI with uvicorn": "FastAPI with uvicorn, `/healthz`",
}
COMMANDS = {
    "exec bash /dev/tcp": "exec: `bash -c '</dev/tcp/127.0.0.1/9090'`",
    "exec Python script": "exec: a Python script that reads a PID file",
    "exec python -m tcp_probe check": "exec: `python -m tcp_probe check`",
}
OURS = ("asyncio", "uvloop", "trio")
PERIODS = (2, 5, 10)  # s
NODES = {
    "tcp_probe on asyncio": "tcp_probe on asyncio",
    "FastAPI with uvicorn": "FastAPI with uvicorn",
    "exec Python script": "exec, Python script",
}
CANDIDATES = {
    "tcp_probe on asyncio": "tcp_probe",
    "asyncio.start_server": "`start_server`",
    "anyio TCP listener": "anyio listener",
    "aiohttp": "aiohttp",
    "FastAPI with uvicorn": "FastAPI",
    "HTTP server in a thread": "HTTP in a thread",
    "exec with a PID file": "exec, PID file",
}
WATCHED = "tcp_probe, watchdog 10 s"
HEALTHY = "one synchronous call of 5 s"
FAULTS = (
    "worker returns, the process lives",
    "worker raises, the process lives",
    "loop blocked by a sleep",
    "GIL held in C",
    "SIGSTOP",
    "an await that never returns",
    "CLI exits 0 without a result",
    "file descriptors exhausted",
    "killed parent with a forked child",
    HEALTHY,
)


def tables() -> dict[str, str]:
    """Return each table by its name in the page."""
    cost, faults = _results("cost"), _results("faults")
    measured = cost["candidates"]
    return {
        "check": _check(measured),
        "ours": _ours(measured),
        "node": _node(cost["node"]),
        "faults": _faults(faults["found"]),
    }


def page(text: str) -> str:
    """Return the page with the tables as they are now."""
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return text


def numbers(text: str) -> str:
    """Return numbers.md with the CPU of a day's checks as it is now."""
    measured = _results("cost")["candidates"]["tcp_probe on asyncio"]
    check = measured["cpu_us_at_rate_1"]["median"]
    days = " | ".join(f"{check * 86_400 / period / 1e6:.1f} s" for period in PERIODS)
    row = f"| CPU a day, at {check:.0f} µs a check | {days} |"
    return re.sub(r"^\| CPU a day, at .*$", row, text, flags=re.MULTILINE)


def _results(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _table(head: list[str], rows: list[list[str]], *, right: bool = True) -> str:
    rule = ["---", *(["---:" if right else "---"] * (len(head) - 1))]
    lines = [head, rule, *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _check(measured: dict[str, Any]) -> str:
    rows = [
        [
            title,
            f"{measured[name]['server_cpu_us']['median']:,.0f}",
            f"{measured[name]['times C floor']['median']:.3g}",
        ]
        for name, title in SERVERS.items()
    ]
    rows += [
        [title, f"{measured[name]['client_cpu_us']['median']:,.0f}", ""]
        for name, title in COMMANDS.items()
    ]
    return _table(["", "µs of CPU", "times the floor"], rows)


def _ours(measured: dict[str, Any]) -> str:
    found = [measured[f"tcp_probe on {loop}"] for loop in OURS]
    rows = {
        "what the node sees: a connect, µs": [
            f"{each['connect_us']['median']:.0f}" for each in found
        ],
        "the slowest of a hundred, µs": [f"{each['connect_us']['p99']:.0f}" for each in found],
        "a check a second, with cold caches, µs of CPU each": [
            f"{each['cpu_us_at_rate_1']['median']:.0f}" for each in found
        ],
        "idle, to watch the loop, s of CPU a day": [
            f"{each['idle_cpu_s_per_hour']['median'] * 24:.1f}" for each in found
        ],
        "the same, by a bare sleep that wakes as often": [
            f"{measured[f'bare sleep on {loop}']['idle_cpu_s_per_hour']['median'] * 24:.1f}"
            for loop in OURS
        ],
        "kept per check, bytes": [f"{each['kept_bytes']['median']:.0f}" for each in found],
        "loading it, over anyio, ms": [f"{each['import_ms']['median']:.1f}" for each in found],
        "loading it, over anyio, MB": [
            f"{each['import_bytes']['median'] / 1e6:.2f}" for each in found
        ],
    }
    return _table(["", *OURS], [[title, *cells] for title, cells in rows.items()])


def _node(nodes: dict[str, Any]) -> str:
    rows = [
        [title]
        + [
            f"{each['millicores']:,.0f} millicores, {each['megabytes']:,.0f} MB"
            for each in nodes[name].values()
        ]
        for name, title in NODES.items()
    ]
    pods = nodes[next(iter(NODES))]
    return _table(["", *(f"{number} pods" for number in pods)], rows, right=False)


def _faults(found: dict[str, Any]) -> str:
    rows = []
    for fault in FAULTS:
        row = [f"*healthy*: {fault}" if fault == HEALTHY else fault]
        for name in CANDIDATES:
            after = found[fault][name]["killed_after"]
            ours = name == "tcp_probe on asyncio"
            watched = found[fault][WATCHED]["killed_after"] if ours else None
            if after is None and watched is not None:
                row.append(f"{watched:.1f} with a watchdog of 10 s")
            elif after is None:
                row.append("never")
            else:
                row.append(f"**killed** {after:.1f}" if fault == HEALTHY else f"{after:.1f}")
        rows.append(row)
    return _table(["fault", *CANDIDATES.values()], rows)


def main() -> None:
    """Write the pages anew."""
    for name, anew in (("cost", page), ("numbers", numbers)):
        path = DOCS / f"{name}.md"
        path.write_text(anew(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

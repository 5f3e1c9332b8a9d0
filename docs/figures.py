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
PODS = ("30 pods", "110 pods", "250 pods")
CONNECT = "connect p50 / p99 / p99.9, µs"
IDLE = "idle, s of CPU a day"
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
    measured = _results("cost")
    return {
        "check": _check(measured),
        "ours": _ours(measured),
        "node": _node(measured),
        "faults": _faults(_results("faults")),
    }


def page(text: str) -> str:
    """Return the page with the tables as they are now."""
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    measured = _results("cost")
    times = [
        measured[name]["1/s"]["median"] / measured[name]["server CPU, µs"]["median"]
        for name in SERVERS
    ]
    told = (
        f"each costs {min(times):.1f} to {max(times):.1f} times as much; the floor {times[0]:.1f}."
    )
    return re.sub(r"each costs .* the floor [\d.]+\.", told, text)


def numbers(text: str) -> str:
    """Return numbers.md with the CPU of a day's checks as it is now."""
    check = round(_results("cost")["tcp_probe on asyncio"]["1/s"]["median"])  # as it is shown
    days = " | ".join(f"{check * 86_400 / period / 1e6:.1f} s" for period in PERIODS)
    row = f"| CPU a day, at {check} µs a check | {days} |"
    return re.sub(r"^\| CPU a day, at .*$", row, text, flags=re.MULTILINE)


def _results(name: str) -> dict[str, Any]:
    """Return the figures of each row, of whichever table."""
    found: dict[str, Any] = {}
    results = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    for rows in results["tables"].values():
        for row, figures in rows.items():
            # Those that stand first count: of a fault when it was seen, before how many checks.
            found[row] = figures | found.get(row, {})
    return found


def _table(head: list[str], rows: list[list[str]], *, right: bool = True) -> str:
    rule = ["---", *(["---:" if right else "---"] * (len(head) - 1))]
    lines = [head, rule, *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _check(measured: dict[str, Any]) -> str:
    rows = [
        [
            title,
            f"{measured[name]['server CPU, µs']['median']:,.0f}",
            f"{measured[name]['times the floor']['median']:.3g}",
        ]
        for name, title in SERVERS.items()
    ]
    rows += [
        [title, f"{measured[name]['client CPU, µs']['median']:,.0f}", ""]
        for name, title in COMMANDS.items()
    ]
    return _table(["", "µs of CPU", "times the floor"], rows)


def _ours(measured: dict[str, Any]) -> str:
    found = [measured[f"tcp_probe on {loop}"] for loop in OURS]
    bare = [measured[f"bare sleep on {loop}"] for loop in OURS]

    def medians(column: str, form: str, of: list[dict[str, Any]] = found) -> list[str]:
        return [format(each[column]["median"], form) for each in of]

    rows = {
        "what the node sees: a connect, µs": [f"{each[CONNECT][0]:.0f}" for each in found],
        "the slowest of a hundred, µs": [f"{each[CONNECT][1]:.0f}" for each in found],
        "a check a second, µs of CPU each": medians("1/s", ".0f"),
        "idle, to watch the loop, s of CPU a day": medians(IDLE, ".1f"),
        "the same, by a bare sleep that wakes as often": medians(IDLE, ".1f", bare),
        "what a busy worker loses to a check, µs": medians("a busy worker loses, µs", ".0f"),
        "kept per check, bytes": medians("bytes kept per check", ".0f"),
        "loading it, over anyio, ms": medians("import over anyio's, ms of CPU", ".1f"),
        "loading it, over anyio, MB": medians("import over anyio's, MB", ".2f"),
    }
    return _table(["", *OURS], [[title, *cells] for title, cells in rows.items()])


def _node(measured: dict[str, Any]) -> str:
    rows = []
    for name, title in NODES.items():
        of = measured[name]
        rows.append([title])
        for pods in PODS:
            millicores, megabytes = of[f"{pods}, millicores"], of[f"{pods}, MB"]
            rows[-1].append(f"{millicores:,.0f} millicores, {megabytes:,.0f} MB")
    return _table(["", *PODS], rows, right=False)


def _faults(found: dict[str, Any]) -> str:
    rows = []
    for fault in (each for each in FAULTS if each in found):
        row = [f"*healthy*: {fault}" if fault == HEALTHY else fault]
        for name in CANDIDATES:
            after = found[fault][name]
            watched = found[fault][WATCHED] if name == "tcp_probe on asyncio" else after
            if after == "never" and watched != "never":
                row.append(f"{watched:.1f} with a watchdog of 10 s")
            elif after == "never":
                row.append(after)
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

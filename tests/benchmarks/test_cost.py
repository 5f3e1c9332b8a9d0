from __future__ import annotations

import signal
import subprocess
import time
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.candidates import BARE, CHECKED, LISTENERS, UNWATCHED
from benchmarks.cost import derived
from benchmarks.cost.samples import BASH, CHECK, EXEC_PROBES, FLOOR, SCRIPT

SERVERS = [each.name for each in CHECKED]
FIGURES = {
    "connect_us",
    "whole_us",
    "server_cpu_us",
    "ratio_of",
    "ratio_to_floor",
    "cpu_us_at_rate",
    "cpu_us_at_once",
    "kept_bytes",
    "resident_bytes",
    "worker_loss_us",
    "import",
    "idle_cpu_s_per_hour",
}


def test_measures_every_figure_of_every_candidate(quick_run: Any) -> None:
    """The results hold each figure for each candidate."""
    candidates = quick_run.results["candidates"]
    assert list(candidates) == [FLOOR, *SERVERS, *EXEC_PROBES]
    for name in SERVERS:
        # The bare loop stands beside the others as a floor alone.
        left_out = {"worker_loss_us", "import"} if name == BARE.name else set()
        missing = {figure for figure in FIGURES if candidates[name].get(figure) is None}
        assert missing == left_out, name
        assert set(candidates[name]["cpu_us_at_rate"]) == {"1", "10", "100", "1000"}
        assert {"1", "256"} <= set(candidates[name]["cpu_us_at_once"])
        assert set(candidates[name]["connect_us"]) == {"p50", "p99", "p99.9"}
    for listener in LISTENERS[:3]:
        assert candidates[listener.name]["idle_cpu_s_per_hour_unwatched"] is not None
    for name in EXEC_PROBES:
        assert candidates[name]["client_cpu_us"]["median"] > 0
    assert candidates[SCRIPT].get("server_cpu_us") is None
    assert candidates[CHECK]["server_cpu_us"] is not None
    assert candidates[BASH]["server_cpu_us"] is not None


def test_judges_every_promise_but_never_by_exit_status(quick_run: Any) -> None:
    """A quick run tells a verdict on each promise, and exits with 0 whatever the verdicts are."""
    assert quick_run.status == 0
    for claim in quick_run.results["claims"]:
        (row,) = [line for line in quick_run.output.splitlines() if f"| {claim['text']} |" in line]
        assert row.endswith(f"| {derived.VERDICTS[claim['holds']]} |")
    assert len(quick_run.results["claims"]) == 4 * len(LISTENERS) + 5


def test_writes_tables_that_show_every_candidate(quick_run: Any) -> None:
    """The Markdown has each candidate in its tables, whose rows all have the same cells."""
    text = (quick_run.folder / "cost.md").read_text(encoding="utf-8")
    for name in (*SERVERS, *EXEC_PROBES, *[each.name for each in UNWATCHED]):
        assert f"| {name} |" in text
    tables = [part.splitlines() for part in text.split("\n\n") if part.lstrip().startswith("|")]
    assert len(tables) == 6
    for rows in tables:
        assert len({row.count("|") for row in rows}) == 1


def test_writes_a_picture(quick_run: Any) -> None:
    """The plot is an SVG file in which the candidates are named."""
    root = ET.parse(quick_run.folder / "cost-cpu.svg").getroot()  # noqa: S314 (ours)
    assert root.tag.endswith("svg")
    assert "tcp_probe on trio" in " ".join(root.itertext())


def test_computes_a_node_from_the_figures_of_a_pod(quick_run: Any) -> None:
    """The table for a node follows from the measured figures by the formula under it."""
    found = quick_run.results["candidates"]["aiohttp"]
    cpu = 0.2 * found["cpu_us_at_rate"]["1"]["median"] / 1e6 + found["idle_cpu_s_per_hour"] / 3600
    memory = found["resident_bytes"]["median"] / 1e6
    rows = [row for row in quick_run.results["node"] if row["candidate"] == "aiohttp"]
    assert [row["pods"] for row in rows] == [30, 110, 250]
    for row in rows:
        assert row["millicores"] == pytest.approx(1000 * cpu * row["pods"])
        assert row["megabytes"] == pytest.approx(memory * row["pods"])


def test_leaves_no_process(quick_run: Any) -> None:
    """After a run none of its servers and clients is left."""
    assert quick_run.left == []


def test_leaves_no_process_when_it_is_ended_early(
    cost_process: subprocess.Popen[str], started_by: Any
) -> None:
    """SIGTERM in the middle of a run ends its servers as well."""
    deadline = time.monotonic() + 60
    while len(started_by(cost_process)) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    cost_process.send_signal(signal.SIGTERM)
    assert cost_process.wait(60) == 143
    assert started_by(cost_process) == []


def test_a_promise_that_is_missed_fails(quick_run: Any) -> None:
    """A figure above its bound fails, one at its bound passes, one that is missing does neither."""
    candidates = quick_run.results["candidates"]
    trio = candidates["tcp_probe on trio"] | {
        "kept_bytes": 1.5,
        "idle_cpu_s_per_hour": 5 / 24,
        "connect_us": {"p99": None},
    }
    judged = derived.claims(candidates | {"tcp_probe on trio": trio})
    verdicts = {claim["text"]: claim["holds"] for claim in judged}
    assert verdicts["tcp_probe on trio: bytes kept per check"] is False
    assert verdicts["tcp_probe on trio: CPU of an idle listener, s per day"] is True
    assert verdicts["tcp_probe on trio: p99 connect, µs"] is None

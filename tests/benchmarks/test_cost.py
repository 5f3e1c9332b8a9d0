from __future__ import annotations

import signal
import subprocess
from typing import Any
from xml.etree import ElementTree as ET

import psutil
import pytest

from benchmarks.candidates import BARE, CHECKED, LISTENERS, ON_ASYNCIO, PEERS, UNCHECKED
from benchmarks.cost import derived
from benchmarks.cost import spread as summary
from benchmarks.cost.samples import EXEC_PROBES, FLOOR, SCRIPT

LIMIT = 120.0  # s, for what takes a moment on an idle machine
SERVERS = [each.name for each in CHECKED]
NEVER_CHECKED = [each.name for each in UNCHECKED]
FIGURES = {
    "connect_us",
    "whole_us",
    "server_cpu_us",
    *(f"times {each}" for each in (FLOOR, ON_ASYNCIO.name, BARE.name, *EXEC_PROBES)),
    *(f"times {each.name}" for each in PEERS),
    *(f"cpu_us_at_rate_{each}" for each in (1, 10, 100)),
    *(f"cpu_us_at_once_{each}" for each in (1, 4, 256)),
    "kept_bytes",
    "resident_bytes",
    "worker_loss_us",
    "import_ms",
    "import_bytes",
    "idle_cpu_s_per_hour",
}


def test_measures_every_figure_of_every_candidate(quick_run: Any) -> None:
    """The results hold each figure for each candidate."""
    candidates = quick_run.results["candidates"]
    assert list(candidates) == [FLOOR, *SERVERS, *EXEC_PROBES, *NEVER_CHECKED]
    for name in SERVERS:
        # The bare loop stands beside the others as a floor alone.
        bare = {"worker_loss_us", "import_ms", "import_bytes"} if name == BARE.name else set()
        assert FIGURES - set(candidates[name]) == bare, name
    for name in NEVER_CHECKED:
        assert set(candidates[name]) == {"idle_cpu_s_per_hour"}
    for name in EXEC_PROBES:
        figures = {"whole_us", "client_cpu_us", "peak_bytes"}
        assert set(candidates[name]) == figures | ({"server_cpu_us"} if name != SCRIPT else set())
        assert candidates[name]["client_cpu_us"]["median"] > 0


def test_tells_only_what_so_many_rounds_can() -> None:
    """A hundred values tell p99, a thousand p99.9; fewer tell median and quartiles alone."""
    spreads = [summary.spread(range(count)) for count in (1, 99, 100, 999, 1000)]
    assert [{"p99", "p99.9"} & set(each) for each in spreads] == [
        set(),
        set(),
        {"p99"},
        {"p99"},
        {"p99", "p99.9"},
    ]
    assert spreads[1]["median"] == 49
    assert spreads[1]["least"] == 0
    assert spreads[0]["lower_quartile"] == spreads[0]["upper_quartile"] == 0


def test_judges_every_promise_but_never_by_exit_status(quick_run: Any) -> None:
    """A quick run tells a verdict on each promise, and exits with 0 whatever the verdicts are."""
    assert quick_run.status == 0
    for text, claim in quick_run.results["claims"].items():
        (row,) = [line for line in quick_run.output.splitlines() if f"| {text} |" in line]
        assert row.endswith(f"| {claim['verdict']} |")
    assert len(quick_run.results["claims"]) == 4 * len(LISTENERS) + 5


def test_writes_tables_that_show_every_candidate(quick_run: Any) -> None:
    """The Markdown has each candidate in its tables, whose rows all have the same cells."""
    text = (quick_run.folder / "cost.md").read_text(encoding="utf-8")
    for name in (*SERVERS, *EXEC_PROBES, *NEVER_CHECKED):
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
    cpu = 0.2 * found["cpu_us_at_rate_1"]["median"] / 1e6
    cpu += found["idle_cpu_s_per_hour"]["median"] / 3600
    memory = found["resident_bytes"]["median"] / 1e6
    row = quick_run.results["node"]["aiohttp"]
    assert list(row) == ["30", "110", "250"]
    for pods, node in row.items():
        assert node["millicores"] == pytest.approx(1000 * cpu * int(pods))
        assert node["megabytes"] == pytest.approx(memory * int(pods))


def test_leaves_no_process(quick_run: Any) -> None:
    """After a run none of its servers and clients is left."""
    assert quick_run.left == []


def test_leaves_no_process_when_it_is_ended_early(
    cost_process: subprocess.Popen[str], started_by: Any
) -> None:
    """SIGTERM in the middle of a run ends its servers as well."""
    assert cost_process.stderr is not None
    # Its servers run by then; one that does not start in time ends the run, and so the output.
    assert any("checks of kubelet" in line for line in cost_process.stderr)
    assert len(started_by(cost_process)) > len(SERVERS)
    cost_process.send_signal(signal.SIGTERM)
    assert cost_process.wait(LIMIT) == 143
    # The kernel may take a while to bury one that was killed.
    _, left = psutil.wait_procs(started_by(cost_process), timeout=LIMIT)
    assert left == []


def test_a_promise_that_is_missed_fails(quick_run: Any) -> None:
    """A figure above its bound fails, one at its bound passes, one that is missing does neither."""
    candidates = quick_run.results["candidates"]
    trio = candidates["tcp_probe on trio"] | {
        "kept_bytes": {"median": 1.5},
        "idle_cpu_s_per_hour": {"median": 5 / 24},
        "connect_us": {"median": 30.0},
    }
    judged = derived.claims(candidates | {"tcp_probe on trio": trio})
    verdicts = {text: claim["verdict"] for text, claim in judged.items()}
    assert verdicts["tcp_probe on trio: bytes kept per check"] == derived.FAIL
    assert verdicts["tcp_probe on trio: CPU of an idle listener, s per day"] == derived.PASS
    assert verdicts["tcp_probe on trio: p99 connect, µs"] == derived.UNKNOWN

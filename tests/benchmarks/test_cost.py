from __future__ import annotations

import signal
import subprocess
from typing import Any
from xml.etree import ElementTree as ET

import psutil
import pytest

from benchmarks.candidates import BARE, CHECKED, LISTENERS, UNCHECKED
from benchmarks.cost import derived, samples
from benchmarks.cost.samples import EXEC_PROBES, FLOOR, SCRIPT

LIMIT = 120.0  # s, for what takes a moment on an idle machine
SERVERS = [each.name for each in CHECKED]
NEVER_CHECKED = [each.name for each in UNCHECKED]
OF_WORKERS = {samples.LOSS, samples.IMPORT_CPU, samples.IMPORT_MEMORY}
FIGURES = OF_WORKERS | {
    samples.CONNECT,
    samples.WHOLE,
    samples.CPU,
    "times the floor",
    *(f"{each}/s" for each in (1, 10, 100)),
    *(f"{each} at once" for each in (1, 4, 256)),
    samples.KEPT,
    samples.RESIDENT,
    samples.IDLE,
}


def _figures(quick_run: Any) -> dict[str, dict[str, Any]]:
    """Return all that was measured of each candidate."""
    found: dict[str, dict[str, Any]] = {}
    for title, rows in quick_run.results["tables"].items():
        for name, row in rows.items() if title not in {derived.CLAIMS, derived.NODE} else ():
            found[name] = found.get(name, {}) | row
    return found


def test_measures_every_figure_of_every_candidate(quick_run: Any) -> None:
    """The results hold each figure for each candidate."""
    figures = _figures(quick_run)
    for name in SERVERS:
        # The bare loop stands beside the others as a floor alone.
        missing = OF_WORKERS if name == BARE.name else set()
        assert FIGURES - set(figures[name]) == missing, name
    assert FIGURES - set(figures[FLOOR]) == OF_WORKERS | {samples.IDLE}
    for name in NEVER_CHECKED:
        assert set(figures[name]) == {samples.IDLE}
    for name in EXEC_PROBES:
        listeners = {samples.CPU} if name != SCRIPT else set()
        assert set(figures[name]) - listeners == {samples.WHOLE, samples.OWN_CPU, samples.PEAK}
        assert figures[name][samples.OWN_CPU]["median"] > 0
    tables = quick_run.results["tables"]
    assert list(tables["One check"]) == [FLOOR, *SERVERS, *EXEC_PROBES]
    assert list(tables["What stands while nobody checks"]) == [FLOOR, *SERVERS, *NEVER_CHECKED]


def test_tells_only_what_so_many_checks_can() -> None:
    """A hundred values tell p99, a thousand p99.9; fewer the median alone."""
    told = [derived.summary(samples.CONNECT, range(count)) for count in (1, 99, 100, 999, 1000)]
    assert [len(each) for each in told] == [1, 1, 2, 2, 3]
    assert told[1] == [49]


def test_tells_median_and_quartiles_of_rounds() -> None:
    """A figure of rounds is their median between the quartiles."""
    spread = {"median": 49, "lower_quartile": 24.5, "upper_quartile": 73.5}
    assert derived.summary(samples.CPU, range(99)) == spread


def test_judges_every_promise_but_never_by_exit_status(quick_run: Any) -> None:
    """A quick run tells a verdict on each promise, and exits with 0 whatever the verdicts are."""
    assert quick_run.status == 0
    claims = quick_run.results["tables"][derived.CLAIMS]
    for text, claim in claims.items():
        (row,) = [line for line in quick_run.output.splitlines() if f"| {text} |" in line]
        assert row.endswith(f"| {claim['verdict']} |")
    assert len(claims) == 4 * len(LISTENERS) + 5


def test_writes_tables_that_show_every_candidate(quick_run: Any) -> None:
    """The Markdown has each candidate in its tables, whose rows all have the same cells."""
    text = (quick_run.folder / "cost.md").read_text(encoding="utf-8")
    for name in (*SERVERS, *EXEC_PROBES, *NEVER_CHECKED):
        assert f"| {name} |" in text
    tables = [part.splitlines() for part in text.split("\n\n") if part.lstrip().startswith("|")]
    assert len(tables) == len(quick_run.results["tables"]) == 6
    for rows in tables:
        assert len({row.count("|") for row in rows}) == 1


def test_writes_a_picture(quick_run: Any) -> None:
    """The plot is an SVG file in which the candidates are named."""
    root = ET.parse(quick_run.folder / "cost-cpu.svg").getroot()  # noqa: S314 (ours)
    assert root.tag.endswith("svg")
    assert "tcp_probe on trio" in " ".join(root.itertext())


def test_computes_a_node_from_the_figures_of_a_pod(quick_run: Any) -> None:
    """The table for a node follows from the measured figures by the formula above it."""
    found = _figures(quick_run)["aiohttp"]
    cpu = 0.2 * found["1/s"]["median"] / 1e6 + found[samples.IDLE]["median"] / 86_400
    row = quick_run.results["tables"][derived.NODE]["aiohttp"]
    assert len(row) == 6
    for pods in (30, 110, 250):
        assert row[f"{pods} pods, millicores"] == pytest.approx(1000 * cpu * pods)
        memory = found[samples.RESIDENT]["median"] * pods
        assert row[f"{pods} pods, MB"] == pytest.approx(memory)


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
    figures = _figures(quick_run)
    figures["tcp_probe on trio"] |= {
        samples.KEPT: {"median": 1.5},
        samples.IDLE: {"median": 5.0},
        samples.CONNECT: [30.0],
        samples.TIMES: {"median": 2.2},
    }
    figures["tcp_probe on uvloop"][samples.TIMES] = {"median": 1.31}
    judged = derived.tables(figures)[derived.CLAIMS]
    verdicts = {text: claim["verdict"] for text, claim in judged.items()}
    assert verdicts["tcp_probe on trio: bytes kept per check"] == derived.FAIL
    assert verdicts["tcp_probe on trio: idle, s of CPU a day"] == derived.PASS
    assert verdicts["tcp_probe on trio: CPU per check, times C floor"] == derived.PASS
    assert verdicts["tcp_probe on uvloop: CPU per check, times C floor"] == derived.FAIL
    assert verdicts["tcp_probe on trio: p99 connect, µs"] == derived.UNKNOWN


def test_holds_a_check_against_what_an_exec_probe_takes_itself(quick_run: Any) -> None:
    """The ratio is to the probe's own CPU; to a server's, where a server answers."""
    figures = _figures(quick_run)
    figures["tcp_probe on asyncio"][samples.CPU] = {"median": 1.0}
    figures[SCRIPT] |= {samples.CPU: {"median": 3.0}, samples.OWN_CPU: {"median": 4.0}}
    figures["asyncio.start_server"][samples.CPU] = {"median": 5.0}
    judged = derived.tables(figures)[derived.CLAIMS]
    ratio = "tcp_probe on asyncio: CPU per check, times"
    assert judged[f"{ratio} {SCRIPT}"]["measured"] == 0.25
    assert judged[f"{ratio} asyncio.start_server"]["measured"] == 0.2

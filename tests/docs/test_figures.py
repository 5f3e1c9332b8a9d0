from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml
from pages import ROOT, blocks

from tcp_probe.explain.command import explain as explain_command
from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings

PERIODS = (2, 5, 10)
# The rows of the page, each with what `explain` calls it.
ROWS = {
    "has ended, or says so": "refuses",
    "blocks its event loop": "stalls",
    "waits for ever": "refuses",
    "stands still as a process": "stands_still",
}


@cache
def row(page: str, begins: str) -> list[str]:
    """Find a row of a table by how its first cell begins."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| {re.escape(begins)}.*$", text, re.MULTILINE)
    return [cell.strip() for cell in line.strip("|").split("|")]


def told(period: int, pod: Callable[..., Any], manifest: Callable[..., str]) -> dict[str, Any]:
    """Explain the page's YAML with this period."""
    (block,) = [each for each in blocks("yaml") if each.place.startswith("docs/numbers.md")]
    fields = block.code.replace("periodSeconds: 5", f"periodSeconds: {period}")
    explanation = explain(manifest(pod(**yaml.safe_load(fields))), None, Settings(tcp_probe=True))
    found: dict[str, Any] = explanation.as_dict()["containers"][0]
    return found


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("name", ROWS)
def test_the_seconds_are_those_of_explain(
    name: str, period: int, pod: Callable[..., Any], manifest: Callable[..., str]
) -> None:
    """Each cell of the page on numbers is what `explain` says of that period."""
    span = told(period, pod, manifest)[ROWS[name]]["sigterm"]
    cell = row("docs/numbers.md", name)[1 + PERIODS.index(period)]
    assert cell.startswith(f"{span['least']:g} to {span['most']:g}")


def test_the_readme_tells_the_same_of_its_yaml(
    pod: Callable[..., Any], manifest: Callable[..., str]
) -> None:
    """The README's table is the page's column for a period of 5 s, in whole seconds."""
    found = told(5, pod, manifest)
    for begins, name in (
        ("has ended", "refuses"),
        ("blocks its event loop", "stalls"),
        ("waits for ever", "refuses"),
        ("stands still as a process", "stands_still"),
    ):
        span = found[name]["sigterm"]
        assert f"{span['least']:.0f} to {span['most']:.0f} s" in row("README.md", begins)[2]


def test_a_day_of_checks_is_counted_right() -> None:
    """Checks a day, and their CPU, follow from the period and the cost of one check."""
    cost = re.search(r"at (\d+) µs", row("docs/numbers.md", "CPU a day")[0])
    assert cost
    for period, checks, cpu in zip(
        PERIODS,
        row("docs/numbers.md", "checks a day")[1:],
        row("docs/numbers.md", "CPU a day")[1:],
        strict=True,
    ):
        assert checks == f"{86400 // period:,}"
        assert cpu == f"{86400 / period * int(cost[1]) / 1e6:.1f} s"


def test_what_explain_is_shown_to_say_is_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the page's excerpt is one that the command above it prints."""
    (excerpt,) = [block for block in blocks("text") if block.place.startswith("docs/rehearse.md")][
        :1
    ]
    assert explain_command([str(ROOT / "manifests" / "base" / "deployment.yaml")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in excerpt.code.splitlines() if line not in printed] == []


def test_the_tables_on_cost_are_those_of_the_results() -> None:
    """The page has the figures of the latest run: else `python docs/figures.py` writes them."""
    spec = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
    assert spec
    assert spec.loader
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    text = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    assert text == figures.page(text)
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    assert text == figures.numbers(text)

"""How verdicts are shown to a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from .groups import Group
    from .reading import Judged, Reading
    from .verdict import Verdict

_STYLES = {"certain": "bold red", "likely": "bold yellow", "possible": "bold cyan"}
_WELL = "bold green"
# More findings than that are no overview.
_MOST_GROUPS = 20


def verdict_text(pod: Judged, verdict: Verdict) -> Iterator[RenderableType]:
    """Put one verdict into a screen of 80 columns."""
    style = _WELL if verdict.cause == "none" else _STYLES[verdict.certainty]
    name = f"{pod.namespace}/{pod.name}"
    container = f" {verdict.container}" if verdict.container else ""
    known = [verdict.cause, f"({verdict.check})" if verdict.check else "", verdict.certainty]
    yield Text.assemble((name, "bold"), container, ": ", " ".join(filter(None, known)))
    summary = verdict.summary[:1].upper() + verdict.summary[1:]
    yield Text(summary, style)
    yield Padding(_evidence(verdict), (1, 0, 0, 2))
    yield Text()
    yield _hanging("Fix:", Text(verdict.fix))
    if verdict.rehearse:
        yield Text("Try it here:", "bold")


def _evidence(verdict: Verdict) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, min_width=5)
    table.add_column(overflow="fold")
    for line in verdict.evidence:
        source, _, said = line.partition(": ")
        table.add_row(source, Text(said.replace("\n", " ")))
    for index, line in enumerate(verdict.stack):
        table.add_row("" if index else "stack", Text(line))
    return table


def _hanging(name: str, said: Text) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(name, said)
    return table


def overview(groups: Sequence[Group], pods: Sequence[Judged]) -> Iterator[RenderableType]:
    """Put the findings of many pods into a table."""
    wrong = sum(any(each.cause != "none" for each in pod.verdicts) for pod in pods)
    well = len(pods) - wrong
    yield Text(f"{counted(len(pods), 'pod')}, {well} of them well", "bold")
    if not groups:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("PODS", "RESTARTS"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("CAUSE", no_wrap=True)
    table.add_column("WHERE", overflow="fold")
    for group in groups[:_MOST_GROUPS]:
        check = f" ({group.check})" if group.check else ""
        cause = Text.assemble((group.cause, "bold"), check)
        table.add_row(str(group.pods), str(group.restarts), cause, Text(group.where or "-"))
    yield Padding(table, (1, 0, 1, 0))
    if len(groups) > _MOST_GROUPS:
        yield Text(f"... and {len(groups) - _MOST_GROUPS} smaller ones (--json has all)", "dim")
    yield Text("One of each:", "bold")


def commands(groups: Sequence[Group], reading: Reading) -> list[str]:
    """Return the command that tells more of one pod of each finding."""
    return [reading.command(group.example) for group in groups[:_MOST_GROUPS]]


def missing_text(missing: Sequence[str]) -> Iterator[RenderableType]:
    """Say what could not be read."""
    for what in missing:
        yield _hanging("Not read:", Text(what))

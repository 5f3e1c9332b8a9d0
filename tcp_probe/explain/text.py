from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tcp_probe._columns import columns
from tcp_probe.kubelet.back_off import LOOK_AGAIN, RESET

from .explanation import back_off_delays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .explanation import Explanation
    from .timing import Span, Timing

STYLES = {"error": "bold red", "warning": "yellow", "info": "blue"}


def paragraphs(explained: Explanation) -> Iterator[Text]:
    """Put an explanation into words and a table."""
    choice = explained.choice
    yield Text(f"{choice.kind} {choice.name}, container {explained.name}", "bold")
    if explained.timing:
        yield from _figures(explained, explained.timing)
    for finding in explained.findings:
        yield Text()
        heading = f"{finding.level}: {finding.rule}"
        place = f"  {finding.field}, line {finding.line}"
        yield Text.assemble((heading, STYLES[finding.level]), place)
        yield Text(f"  {finding.reason}")
        yield Text(f"  -> {finding.fix}")
    if not explained.findings:
        yield Text("\nnothing found that is worth a change", "green")


def _figures(explained: Explanation, timing: Timing) -> Iterator[Text]:
    start = timing.start()
    yield Text(
        f"\nA start is killed after {_seconds(start)} without an answer."
        if start
        else "\nA start may take as long as it likes."
    )
    names = (
        "the port refuses",
        f"the process stands still (backlog {timing.backlog})",
        f"the event loop stalls (stall_timeout {timing.stall_timeout:g} s)",
    )
    rows: list[tuple[str, ...]] = [("after", "SIGTERM", "new container", "not ready")]
    for name, figures in zip(names, explained.faults().values(), strict=True):
        spans = (figures.sigterm, figures.new_container, figures.not_ready)
        rows.append((name, *(_seconds(span) if span else "-" for span in spans)))
    yield Text(f"\n{columns(rows)}")
    again = timing.ready_again()
    if again:
        yield Text(f"\nReady again {_seconds(again)} after checks pass again.")
    yield Text(
        f"\nAfter SIGTERM there are {timing.grace:g} s. A worker that ends at once gets its new "
        "container at once; one that stands still,\nand Python as PID 1 without a handler for "
        "SIGTERM, only after all of them."
    )
    delays = ", ".join(f"{delay:g}" for delay in back_off_delays())
    yield Text(
        f"\nBack-off before a restart: {delays} s, up to {LOOK_AGAIN[1]:g} s late. A container "
        "that a probe kills restarts at once\nthe first three times, one that ends by itself the "
        f"first time. Forgotten after {RESET / 60:g} minutes of running."
    )


def _seconds(span: Span) -> str:
    return f"{span.least:g} to {span.most:g} s"

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from tcp_probe._columns import terminal, wrapped
from tcp_probe.kubelet.back_off import RESET
from tcp_probe.kubelet.handlers import Exec, Sleep
from tcp_probe.manifest.printable import first_of, printable

from .explanation import back_off_delays, back_off_lateness
from .table import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tcp_probe.manifest.finding import Finding
    from tcp_probe.manifest.pods import Resource

    from .explanation import ExplainedContainer, Explanation
    from .timing import Figures, Span, Timing

STYLES = {"error": "bold red", "warning": "yellow", "info": "blue"}
LEGEND = {
    "refuses": "the port refuses: the worker has ended or says that it is not well; a command "
    "of an exec probe fails.",
    "stands_still": "the process stands still: it is stopped, or never lets go of the GIL.",
    "stalls": "the loop stalls: a synchronous call does not return.",
}
# A line and its style.
Line = tuple[str, str]


def printed(explained: Explanation) -> None:
    """Print an explanation, as wide as the terminal is, with colours where there is one."""
    console = Console(highlight=False)
    # rich looks at more than the output to find a terminal, but takes 80 where TERM=dumb.
    width = terminal(console.width)
    text = Text()
    for line, style in lines(explained, width):
        text.append(f"{line}\n", style)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text.plain = text.plain.encode(encoding, "replace").decode(encoding)
    console.print(text, end="", soft_wrap=True)


def lines(explained: Explanation, width: int) -> Iterator[Line]:
    """Put an explanation into words and tables of this width."""
    for each in explained.explained:
        for container in each.containers:
            yield from _container(container, width)
        if each.findings or not each.containers:
            yield from _wrapped(f"{printable(str(each.resource))}, as a whole", width, "bold")
            yield from _findings(each.findings, width)
            yield "", ""
    yield from _legend(explained, width)
    if explained.passed_over:
        yield from _wrapped(f"Passed over, as no pod is in them: {_named(explained)}.", width)
    yield from _verdict(explained, width)


def _container(container: ExplainedContainer, width: int) -> Iterator[Line]:
    yield from _wrapped(printable(str(container.choice)), width, "bold")
    if container.timing:
        yield from _figures(container, container.timing, width)
    yield from _findings(container.findings, width)
    yield "", ""


def _figures(container: ExplainedContainer, timing: Timing, width: int) -> Iterator[Line]:
    if container.choice.role == "init container":
        text = "No probe watches it, and the pod does not start before it has ended."
        yield from _wrapped(text, width)
        return
    start = timing.start()
    text = "A start may take as long as it likes."
    if start:
        text = f"A start that does not answer is killed after {_seconds(start)}."
        if timing.post_start and not isinstance(timing.post_start, Sleep):
            text += " That begins when the postStart hook has ended, which nothing limits."
    yield from _wrapped(text, width)
    names = {
        "refuses": "the port refuses",
        "stands_still": "the process stands still",
        "stalls": f"the loop stalls (stall_timeout {timing.stall_timeout:g} s)",
    }
    if container.uses_tcp_probe:
        names["stands_still"] += f" (backlog {timing.backlog})"
    rows: list[tuple[str, ...]] = [("after", "SIGTERM", "new container", "not ready")]
    for name, figures in container.faults().items():
        if figures.sigterm or figures.not_ready:
            rows.append((names[name], *_cells(figures, timing)))
    if len(rows) > 1:
        yield "", ""
        yield from ((line, "") for line in table(rows, width))
        yield "", ""
    again = timing.ready_again()
    if again:
        yield from _wrapped(f"Ready again {_seconds(again)} after checks pass again.", width)
    if len(rows) > 1:
        yield from _wrapped(_ending(timing), width)


def _cells(figures: Figures, timing: Timing) -> Iterator[str]:
    """Put the seconds of a fault into words, also where they are none and why."""
    yield _seconds(figures.sigterm) if figures.sigterm else "-"
    if figures.new_container:
        yield _seconds(figures.new_container)
    else:
        yield "none" if timing.ends_for_good else "-"
    if figures.not_ready:
        yield _seconds(figures.not_ready)
    else:
        yield "-" if timing.ready_again() else "at its end"


def _ending(timing: Timing) -> str:
    hook = ""
    if isinstance(timing.pre_stop, Sleep):
        hook = f"Before SIGTERM the preStop hook sleeps {timing.pre_stop.seconds:g} s. "
    elif timing.pre_stop:
        what = "runs its command" if isinstance(timing.pre_stop, Exec) else "gets its page"
        hook = f"Before SIGTERM the preStop hook {what}, for all of the grace at most. "
    rest = "for all of this together" if hook else "after SIGTERM"
    there_are = f"{hook}There are {timing.grace:g} s {rest}. A worker that"
    late = "one that stands still, and Python as PID 1 without a handler for SIGTERM, "
    if timing.ends_for_good:
        return (
            f"{there_are} heeds it ends then; {late}only after all of them. No new container "
            "follows, as the restartPolicy is Never."
        )
    ready = " Without a readinessProbe it is ready until it ends." * (not timing.ready_again())
    return (
        f"{there_are} ends at once gets its new container at once; {late}only after all of "
        f"them.{ready}"
    )


def _findings(findings: Iterable[Finding], width: int) -> Iterator[Line]:
    for finding in findings:
        yield "", ""
        place = f"{printable(finding.field)}, line {finding.line}".lstrip(", ")
        heading = f"{finding.level}: {finding.rule}"
        yield heading, STYLES[finding.level]
        yield from _wrapped(place, width, "dim", indent="  ")
        yield from _wrapped(printable(finding.reason, 500), width, indent="  ")
        yield from _wrapped(printable(finding.fix, 300), width, indent="  -> ")


def _legend(explained: Explanation, width: int) -> Iterator[Line]:
    told = {
        name
        for each in explained.containers
        for name, figures in each.faults().items()
        if any((figures.sigterm, figures.not_ready))
    }
    if any(each.timing and each.timing.start() for each in explained.containers):
        yield "How to read this", "bold"
        text = "Seconds at least and at most, by where in its period a probe is when it happens."
        yield from _wrapped(text, width)
        for name, meaning in LEGEND.items():
            if name in told:
                yield from _wrapped(meaning, width)
        yield from _wrapped("-: the manifest does not tell.", width)
        if all(each.timing is None or each.timing.ends_for_good for each in explained.containers):
            yield "", ""
            return
        delays = ", ".join(f"{delay:g}" for delay in back_off_delays(explained.rules))
        late = ", ".join(f"{most:g}" for most in back_off_lateness(explained.rules))
        text = (
            f"Back-off before a restart: {delays} s, late by up to {late} s. A container "
            "that a probe kills restarts at once the first three times, one that ends by itself "
            f"the first time. Forgotten after {RESET / 60:g} minutes of running."
        )
        yield from _wrapped(text, width)
        yield "", ""


def _named(explained: Explanation) -> str:
    def name(resource: Resource) -> str:
        return printable(str(resource))

    return first_of([name(each) for each in explained.passed_over])


def _verdict(explained: Explanation, width: int) -> Iterator[Line]:
    counts = explained.counts()
    number = len(explained.containers)
    where = f"in {number} container{'' if number == 1 else 's'}"
    if not any(counts.values()):
        yield from _wrapped(f"nothing found that is worth a change, {where}", width, "green")
        return
    told = (
        f"{count} {name[:-1] if count == 1 else name}" for name, count in counts.items() if count
    )
    style = STYLES["error" if counts["errors"] else "warning" if counts["warnings"] else "info"]
    yield from _wrapped(f"{', '.join(told)} {where}", width, style)


def _wrapped(text: str, width: int, style: str = "", *, indent: str = "") -> Iterator[Line]:
    for line in wrapped(text, width, indent):
        yield line, style


def _seconds(span: Span) -> str:
    return f"{span.least:g} to {span.most:g} s"

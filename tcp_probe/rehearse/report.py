from __future__ import annotations

import json
import sys
from dataclasses import asdict
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from tcp_probe._columns import columns, terminal, wrapped
from tcp_probe._tell import discard

from .timeline_text import timeline_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcp_probe.kubelet.steps import Event

    from .story import Story

# A timeline takes so many columns at most, and so many where nothing tells what the reader has.
WIDEST = 120
USUAL = 80
# What is not for a terminal is for a log, or for grep: there each event is one line.
UNBROKEN = 1 << 20
TIME = 12
HANG = 2
# What stands only where it says something.
OPTIONAL = ("delay", "termination_message")
STYLES = {
    "Started": "bold",
    "Ready": "green",
    "NotReady": "yellow",
    "Unhealthy": "yellow",
    "Killing": "bold red",
    "BackOff": "bold red",
}


class Report:
    """Prints a rehearsal as it happens: one JSON object a line.

    `on_unwritten` is called where the output cannot be written any more, which `unwritten` tells:
    a `BrokenPipeError` where nobody reads it.
    """

    def __init__(self, on_unwritten: Callable[[], None]) -> None:
        self._on_unwritten = on_unwritten
        self.unwritten: OSError | None = None

    def note(self, text: str) -> None:
        """Print a remark beside the events."""
        self._print(f"tcp_probe: {text}", sys.stderr)

    def event(self, event: Event, container: str = "") -> None:
        """Print what kubelet did or saw; `container` is named where there are several."""
        values = asdict(event) | {"time": round(event.time, 3)}
        values = {name: each for name, each in values.items() if each or name not in OPTIONAL}
        self._print_json(values | _named(container))

    def output(self, line: str, is_error: bool, container: str = "") -> None:  # noqa: ARG002, FBT001 - as in TextReport
        """Pass on what a command printed; the standard output is for the events."""
        self._print(_prefixed(line, container), sys.stderr)

    def end(self, stories: Sequence[Story], now: float) -> None:
        """Print what it came to, for each container."""
        for story in stories:
            summary = story.summary
            values = {
                "time": round(now, 3),
                "type": "Warning" if summary.exit_status else "Normal",
                "reason": "Summary",
                "message": "; ".join(line.strip() for line in summary.story()),
                "restarts": story.kubelet.restarts,
                "kind": "summary",
                "ready_after": summary.ready_after,
                "causes": dict(summary.restarts),
                "unchecked": summary.unchecked,
                "advice": story.advice,
                "pod": summary.pod(story.kubelet, now),
            }
            self._print_json(values | _named(story.container if len(stories) > 1 else ""))

    def _print_json(self, values: dict[str, Any]) -> None:
        self._print(json.dumps(values), sys.stdout)

    def _print(self, text: str, file: TextIO | None) -> None:
        if file is None:  # closed before the start
            return
        try:
            print(text, file=file, flush=True)
        except OSError as error:
            discard(file)
            self.unwritten = error
            self._on_unwritten()


class TextReport(Report):
    """Prints a rehearsal as a timeline to read, coloured on a terminal."""

    def __init__(self, on_unwritten: Callable[[], None]) -> None:
        super().__init__(on_unwritten)
        from rich.console import Console

        # It writes to its file even where what it would write is captured.
        colours = Console().is_terminal
        self._console = Console(
            file=StringIO(), force_terminal=colours, highlight=False, soft_wrap=True
        )
        self._name_width = 0
        self._width = terminal(UNBROKEN)

    def event(self, event: Event, container: str = "") -> None:
        """Print what kubelet did or saw."""
        from rich.text import Text

        style = STYLES.get(event.reason, "red" if event.type == "Warning" else "")
        self._name_width = max(self._name_width, len(container))
        name = f"{container:{self._name_width}}  " if container else ""
        message = event.message.rstrip("\n")
        if event.delay:
            message += f" (for {event.delay:g} s)"
        told = f"{name}{event.reason:9}  {message}"
        with self._console.capture() as captured:
            time = (f"{event.time:8.2f} s  ", "dim")
            for line in self._broken(told):
                self._console.print(Text.assemble(time, (line, style)))
                time = (" " * TIME, "dim")
            for line in event.termination_message.splitlines():
                self._console.print(Text(f"{'':{TIME}}{line}", "dim"))
        self._print(captured.get().rstrip("\n"), sys.stdout)

    def note(self, text: str) -> None:
        """Print a remark beside the events, broken to the width of a terminal."""
        width = self._width if sys.stderr and sys.stderr.isatty() else UNBROKEN
        lines = wrapped(f"tcp_probe: {text}", width, rest=" " * HANG)
        self._print("\n".join(lines), sys.stderr)

    def _broken(self, told: str) -> list[str]:
        """Break what an event tells into lines that fit beside its time."""
        first, *more = told.split("\n")
        rest = " " * HANG
        lines = wrapped(first, self._width - TIME, rest=rest)
        return lines + [part for line in more for part in wrapped(line, self._width - TIME, rest)]

    def output(self, line: str, is_error: bool, container: str = "") -> None:  # noqa: FBT001 - a callback's signature
        """Pass on what a command printed."""
        self._print(_prefixed(line, container), sys.stderr if is_error else sys.stdout)

    def end(self, stories: Sequence[Story], now: float) -> None:
        """Print what it came to, and how it looked."""
        here = min(terminal(USUAL), WIDEST)
        for story in stories:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            lanes = timeline_text(story.timeline, here, encoding)
            told = "\n".join(
                part
                for line in story.summary.story()
                for part in wrapped(line, self._width, rest=" " * 2 * HANG)
            )
            heading = f"\n{story.container} ({story.role})" if len(stories) > 1 else ""
            self._print(f"{heading}\n{lanes}\n\n{told}", sys.stdout)
            if story.advice:
                advice = wrapped(f"to change: {story.advice}", self._width, rest=" " * HANG)
                self._print("\n".join(["", *advice]), sys.stdout)
        pod = pod_row(stories, now)
        table = columns([tuple(pod), tuple(pod.values())])
        if max(map(len, table.splitlines())) > self._width:
            table = columns([*pod.items()])
        self._print(f"\nkubectl get pod would show:\n{table}", sys.stdout)


def pod_row(stories: Sequence[Story], now: float) -> dict[str, str]:
    """Show the pod of these containers as `kubectl get pod` would."""
    rows = [story.summary.pod(story.kubelet, now) for story in stories]
    if len(rows) == 1:
        return rows[0]
    counted = [story.kubelet for story in stories if story.role != "init container"]
    restarted = [row["RESTARTS"] for row in rows if row["RESTARTS"] != "0"]
    total = sum(story.kubelet.restarts for story in stories)
    states = [story.kubelet.status for story in stories if story.role == "container"]
    bad = [state for state in states if state not in ("Running", "Completed")]
    return {
        **rows[0],
        "READY": f"{sum(kubelet.ready for kubelet in counted)}/{len(counted)}",
        "STATUS": (bad or states)[0],
        "RESTARTS": f"{total} {restarted[-1].partition(' ')[2]}".rstrip() if restarted else "0",
    }


def _named(container: str) -> dict[str, str]:
    return {"container": container} if container else {}


def _prefixed(line: str, container: str) -> str:
    return f"[{container}] {line}" if container else line

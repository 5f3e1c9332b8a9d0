from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from tcp_probe._columns import columns

from .timeline_text import timeline_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcp_probe.kubelet.state_machine import Kubelet
    from tcp_probe.kubelet.steps import Event

    from .summary import Summary
    from .timeline import Timeline

# A timeline takes so many columns at least, and at most.
NARROWEST = 60
WIDEST = 120
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

    `on_broken_pipe` is called where nobody reads the standard output any more.
    """

    def __init__(self, on_broken_pipe: Callable[[], None]) -> None:
        self._on_broken_pipe = on_broken_pipe

    def note(self, text: str) -> None:
        """Print a remark beside the events."""
        self._print(f"tcp_probe: {text}", sys.stderr)

    def event(self, event: Event) -> None:
        """Print what kubelet did or saw."""
        values = asdict(event) | {"time": round(event.time, 3)}
        optional = ("delay", "termination_message")
        self._print_json({k: v for k, v in values.items() if v or k not in optional})

    def output(self, line: str, is_error: bool) -> None:  # noqa: ARG002, FBT001 - as in TextReport
        """Pass on what the command printed; the standard output is for the events."""
        self._print(line, sys.stderr)

    def end(self, summary: Summary, timeline: Timeline, kubelet: Kubelet, now: float) -> None:
        """Print what it came to."""
        del timeline  # to be looked at
        self._print_json(
            {
                "time": round(now, 3),
                "type": "Warning" if summary.exit_status else "Normal",
                "reason": "Summary",
                "message": "; ".join(line.strip() for line in summary.story()),
                "restarts": kubelet.restarts,
                "ready_after": summary.ready_after,
                "causes": dict(summary.restarts),
                "pod": summary.pod(kubelet, now),
            }
        )

    def _print_json(self, values: dict[str, Any]) -> None:
        self._print(json.dumps(values), sys.stdout)

    def _print(self, text: str, file: TextIO) -> None:
        try:
            print(text, file=file, flush=True)
        except BrokenPipeError:
            # Python flushes once more at its exit, which would fail, too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
            self._on_broken_pipe()


class TextReport(Report):
    """Prints a rehearsal as a timeline to read, coloured on a terminal."""

    def __init__(self, on_broken_pipe: Callable[[], None]) -> None:
        super().__init__(on_broken_pipe)
        from rich.console import Console

        self._console = Console(highlight=False, soft_wrap=True)

    def event(self, event: Event) -> None:
        """Print what kubelet did or saw."""
        from rich.text import Text

        style = STYLES.get(event.reason, "red" if event.type == "Warning" else "")
        time = (f"{event.time:8.2f} s  ", "dim")
        with self._console.capture() as captured:
            self._console.print(Text.assemble(time, (f"{event.reason:9}  {event.message}", style)))
        self._print(captured.get().rstrip("\n"), sys.stdout)

    def output(self, line: str, is_error: bool) -> None:  # noqa: FBT001 - a callback's signature
        """Pass on what the command printed."""
        self._print(line, sys.stderr if is_error else sys.stdout)

    def end(self, summary: Summary, timeline: Timeline, kubelet: Kubelet, now: float) -> None:
        """Print what it came to, and how it looked."""
        columns_here = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
        lanes = timeline_text(timeline, columns_here, sys.stdout.encoding)
        story = "\n".join(summary.story())
        pod = summary.pod(kubelet, now)
        table = columns([tuple(pod), tuple(pod.values())])
        self._print(f"\n{lanes}\n\n{story}\n\nkubectl get pod would show:\n{table}", sys.stdout)

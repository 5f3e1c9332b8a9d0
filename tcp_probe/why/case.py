from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .events import Events
from .verdict import Cause, Certainty, Verdict
from .words import code_of, counted, day, span

if TYPE_CHECKING:
    from datetime import datetime

    from tcp_probe.diagnosis.log import Log

    from .pod import Container, Death, Pod


@dataclass(frozen=True)
class Case:
    """What is known of one container: `events` is None where they could not be read.

    `previous` is the log of the container before, `current` that of the present one.
    `source` is the file that the pod was read from, if any.
    """

    pod: Pod
    container: Container
    pod_events: Events | None
    current: Log | None
    previous: Log | None
    now: datetime | None
    source: str = ""

    @cached_property
    def events(self) -> Events | None:
        """The events of the container."""
        return self.pod_events and self.pod_events.of(self.container.name)

    @property
    def death(self) -> Death | None:
        """How the container ended last."""
        return self.container.deaths[0] if self.container.deaths else None

    @property
    def log(self) -> Log | None:
        """The log of the container that ended last."""
        if self.container.running:
            return self.previous
        # While it waits, both names lead to the same log; once it has ended, `current` is its own.
        return self.current or (None if self.container.ended else self.previous)

    @property
    def message(self) -> str:
        """What it wrote as its termination message."""
        return self.death.message if self.death else ""

    @property
    def log_place(self) -> str:
        """Where the log before its end is."""
        before = self.container.running or (self.current is None and self.log is not None)
        return self.place_of_log(previous=before)

    def place_of_log(self, *, previous: bool) -> str:
        """Where a log is: a file of the folder that was read, else what the command shows."""
        if self.source:
            name = f"logs-{self.container.name}{'-previous' if previous else ''}.txt"
            known = self.previous if previous else self.current
            return (
                str(Path(self.source).with_name(name)) if known else f"{name} (not in the folder)"
            )
        words = ["kubectl", "logs", self.pod.name, "-n", self.pod.namespace]
        return shlex.join([*words, "-c", self.container.name, *["--previous"] * previous])

    @property
    def ended_lines(self) -> list[str]:
        """How it ended; nothing where it has not."""
        return [self.ended] if self.death or self.container.restarts else []

    @cached_property
    def ended(self) -> str:
        """How often and how it ended, as a line of evidence."""
        death = self.death
        if death is None:
            return f"pod: {counted(self.container.restarts, 'restart')}"
        when = day(death.finished) if death.finished else "an unknown time"
        after = "" if death.life is None else f", after {span(death.life)}"
        how = f"the last end {when}{after}: {code_of(death.code)}"
        reason = "" if death.reason in {"", "Error", "Completed"} else f", reason {death.reason}"
        return f"pod: {counted(self.container.restarts, 'restart')}; {how}{reason}"

    def verdict(
        self,
        cause: Cause,
        certainty: Certainty,
        summary: str,
        evidence: list[str],
        fix: str,
        **more: Any,
    ) -> Verdict:
        """Make a verdict on the container."""
        last = self.death.finished if self.death else None
        return Verdict(
            cause,
            certainty,
            summary,
            tuple(evidence),
            fix,
            container=self.container.name,
            restarts=self.container.restarts,
            **{"last": last, **more},
        )

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from .steps import Kill, RunPreStop, Terminate

if TYPE_CHECKING:
    from .agenda import Agenda
    from .journal import Journal
    from .steps import Container
    from .versions import Rules

# In seconds: what is left for SIGTERM whatever the hook before it took.
MINIMUM_GRACE = 2.0


class Stop:
    """How kubelet ends a container: the hook, SIGTERM, the rest of the grace, SIGKILL."""

    def __init__(
        self, container: Container, rules: Rules, agenda: Agenda, journal: Journal
    ) -> None:
        self._container = container
        self._signal = container.stop_signal if rules.has("stop signal") else "SIGTERM"
        self._agenda = agenda
        self._journal = journal
        self._began = 0.0
        self._grace = 0.0

    def begin(self, now: float, grace: float) -> None:
        """End the container within so many seconds."""
        self._began = now
        self._grace = grace
        if self._container.pre_stop and grace > 0:
            self._journal.add(RunPreStop(grace))
            self._agenda.at(now + grace, "terminate", self._terminate)
        else:
            self._terminate(now)

    def hook_ended(self, now: float) -> None:
        """Go on with SIGTERM, unless the hook took so long that this was done already."""
        if "terminate" in self._agenda:
            self._agenda.drop("terminate")
            self._terminate(now)

    def _terminate(self, now: float) -> None:
        # What the hook took is taken off in whole seconds; of 4 s the sum of two floats may lack a
        # billionth.
        grace = max(self._grace - floor(now - self._began + 1e-6), MINIMUM_GRACE)
        self._journal.add(Terminate(grace, self._signal))
        self._agenda.at(now + grace, "sigkill", self._kill)

    def _kill(self, _now: float) -> None:
        self._journal.add(Kill())

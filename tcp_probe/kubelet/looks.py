from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .agenda import Agenda
    from .prober import Probe
    from .probers import Probers

# The container runtime is asked once a second what has started and ended.
RELIST = 1.0
# In seconds: a pod that is not ready is looked at this often even if nothing happens.
RESYNC = (60.0, 90.0)
# Recorded: the readiness of a new pod is first checked after this at least, ...
FIRST_LOOK = 0.3
# ... and from a failed probe to SIGTERM it takes this long.
KILL_TAKES = 0.01


class Looks:
    """When kubelet looks at a pod, and what it does then: ask for readiness, or kill.

    It looks when a probe's result has changed, but not twice before the runtime was asked again.
    """

    def __init__(
        self,
        probers: Probers,
        agenda: Agenda,
        chance: random.Random,
        kill: Callable[[Probe, float], None],
    ) -> None:
        self._probers = probers
        self._agenda = agenda
        self._random = chance
        self._kill = kill
        self._asked_at = float("-inf")

    def begin(self, now: float, *, new_pod: bool) -> None:
        """Look at a container that kubelet has just seen to run."""
        if new_pod:
            # Before the status of a new pod is known there is nothing to check.
            self._asked_at = now + self._random.uniform(FIRST_LOOK, RELIST)
        else:
            self._look(now)
        if self._probers.awaits_readiness:
            self.request(now)

    def request(self, now: float) -> None:
        """Look as soon as may be."""
        if self._asked_at <= now:
            self._look(now)
        else:
            self._agenda.at(self._asked_at, "look", self._look)

    def ready(self) -> None:
        """Take note that there is nothing to ask for any more."""
        self._agenda.drop("resync")

    def _look(self, now: float) -> None:
        self._asked_at = now + self._random.uniform(0, RELIST)
        if self._probers.awaits_readiness:
            self._probers.ask_for_readiness()
            self._agenda.at(now + self._random.uniform(*RESYNC), "resync", self._look)
        probe = self._probers.failed
        if probe:
            self._agenda.at(now + KILL_TAKES, "kill", partial(self._kill, probe))

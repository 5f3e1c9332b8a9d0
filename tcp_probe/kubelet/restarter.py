from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .back_off import BackOff
from .looks import RELIST
from .restart_policy import policy_of, restarts_after, rule_for
from .steps import StartContainer

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from .agenda import Agenda
    from .journal import Journal
    from .steps import Container
    from .versions import Rules

# Recorded: so long after kubelet has seen that a container has ended by itself the next one starts.
START_TAKES = 0.05


class Restarter:
    """Whether and when kubelet starts a container again, and what it says meanwhile."""

    def __init__(
        self,
        container: Container,
        rules: Rules,
        agenda: Agenda,
        journal: Journal,
        chance: random.Random,
    ) -> None:
        self.backing_off = False
        # Whether the rule for this exit restarts all the containers of the pod.
        self.restarts_pod = False
        # Whether the container was asked for and does not run yet.
        self.starting = False
        # How many seconds each of the init containers before it takes.
        self.init: Sequence[float] = ()
        self._container = container
        self._rules = rules
        self._agenda = agenda
        self._journal = journal
        self._random = chance
        self._back_off = BackOff(rules)
        self._exited_at: float | None = None
        self._known_exit_at: float | None = None

    @property
    def restarts_killed(self) -> bool:
        """Whether a container that its probe kills is started again in the same pass."""
        return policy_of(self._container, self._rules) != "Never"

    def start(self, _now: float = 0) -> None:
        """Have the container started."""
        self.starting = True
        self._journal.add(StartContainer())

    def init_takes(self) -> float:
        """Return how long the init containers take: the end of each is seen before the next."""
        return sum(each + self._random.uniform(0, RELIST) + START_TAKES for each in self.init)

    def start_with_pod(self, now: float) -> None:
        """Have the container started again as its whole pod is, without a back-off."""
        self.backing_off = False
        self._agenda.at(now + START_TAKES, "start", self.start)

    def exited(self, now: float) -> None:
        """Take note that the container has ended."""
        self._known_exit_at, self._exited_at = self._exited_at, now

    def start_after_kill(self, now: float) -> bool:
        """Start the next container in the pass that has killed this one; say whether that may be.

        That pass has seen this one running: the back-off is measured from the exit before.
        """
        if self._allows_start(now, self._known_exit_at):
            self.start()
        else:
            self._report(now)
        return not self.backing_off

    def start_after_exit(self, now: float, code: int) -> bool:
        """Start the next container as soon as may be; say whether there is to be one."""
        rule = rule_for(self._container, code, self._rules)
        if not restarts_after(self._container, code, self._rules):
            self.backing_off = False
            return False
        self.restarts_pod = rule is not None and rule.action == "RestartAllContainers"
        if self.restarts_pod:
            self.start_with_pod(now + self.init_takes())
        elif self._allows_start(now, self._exited_at):
            self._agenda.at(now + START_TAKES, "start", self.start)
        else:
            self._report(now)
            self._look_again_later(now)
        return True

    def _allows_start(self, now: float, exited_at: float | None) -> bool:
        self.backing_off = not (exited_at is None or self._back_off.allows_restart(now, exited_at))
        return not self.backing_off

    def _look_again(self, now: float) -> None:
        # kubelet repeats its BackOff here; the API only counts the one event up.
        if self._allows_start(now, self._exited_at):
            self.start()
        else:
            self._look_again_later(now)

    def _look_again_later(self, now: float) -> None:
        at = self._back_off.look_again(now, self._exited_at or 0.0, self._random)
        self._agenda.at(at, "start", self._look_again)

    def _report(self, now: float) -> None:
        text = messages.backing_off(self._container.name, self._container.pod)
        self._journal.event(now, "Warning", "BackOff", text, self._back_off.delay)

from __future__ import annotations

from .steps import Event, EventType, Step


class Journal:
    """The steps of kubelet, in order, until they are handed out."""

    def __init__(self) -> None:
        self.restarts = 0
        self._steps: list[Step] = []

    def add(self, *steps: Step) -> None:
        """Note what is to be done."""
        self._steps += steps

    def event(
        self, now: float, level: EventType, reason: str, message: str, delay: float | None = None
    ) -> None:
        """Note what kubelet tells the API."""
        self.add(Event(now, level, reason, message, self.restarts, delay=delay))

    def state(
        self,
        now: float,
        level: EventType,
        reason: str,
        message: str,
        termination_message: str = "",
    ) -> None:
        """Note what can be seen of the pod, but is no event."""
        last = termination_message
        self.add(Event(now, level, reason, message, self.restarts, "state", None, last))

    def take(self) -> list[Step]:
        """Hand out what has been noted."""
        steps, self._steps = self._steps, []
        return steps

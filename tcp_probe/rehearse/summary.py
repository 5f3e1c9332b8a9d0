from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcp_probe.kubelet.state_machine import Kubelet
    from tcp_probe.kubelet.steps import Event

MINUTE = 60
HOUR = 3600


class Summary:
    """What a rehearsal came to, gathered from its events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready_after: float | None = None
        self.killed = False
        self.backed_off = False
        self.restarts: Counter[str] = Counter()
        self._cause = ""
        self._failure = ""
        self._exited_at = 0.0

    @property
    def exit_status(self) -> int:
        """0 where no probe has killed the container and it was never backed off, else 1."""
        return int(self.killed or self.backed_off)

    def add(self, event: Event) -> None:
        """Take one event into account."""
        if event.reason == "Unhealthy" and not event.message.startswith("Readiness"):
            self._failure = event.message
        elif event.reason == "Killing":
            self.killed = True
            self._cause = self._failure
        elif event.reason == "Exited":
            self._cause = self._cause or event.message
            self._exited_at = event.time
        elif event.reason == "BackOff":
            self.backed_off = True
        elif event.reason == "Ready" and self.ready_after is None:
            self.ready_after = event.time
        elif event.reason == "Started" and event.restarts:
            self.restarts[self._cause] += 1
            self._cause = ""

    def story(self) -> list[str]:
        """Tell the time to ready, and the restarts with their causes."""
        ready = self.ready_after
        lines = ["never ready" if ready is None else f"ready after {ready:.1f} s"]
        total = sum(self.restarts.values())
        lines.append(f"{total or 'no'} restart{'' if total == 1 else 's'}")
        lines += [f"  {times} x {cause}" for cause, times in self.restarts.items()]
        return lines

    def pod(self, kubelet: Kubelet, now: float) -> dict[str, str]:
        """Show the pod as `kubectl get pod` would."""
        restarts = str(kubelet.restarts)
        if kubelet.restarts:
            restarts += f" ({age(now - self._exited_at)} ago)"
        return {
            "NAME": self.name,
            "READY": "1/1" if kubelet.ready else "0/1",
            "STATUS": kubelet.status,
            "RESTARTS": restarts,
            "AGE": age(now),
        }


def age(seconds: float) -> str:
    """Write seconds as kubectl writes ages: 119s, 5m30s, 12m, 3h5m."""
    whole = int(seconds)
    if whole < 2 * MINUTE:
        return f"{whole}s"
    minutes, rest = divmod(whole, MINUTE)
    if whole < 10 * MINUTE:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if whole < 3 * HOUR:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}h{minutes}m" if minutes and whole < 8 * HOUR else f"{hours}h"

from __future__ import annotations

FIRST = 10.0
LIMIT = 300.0
# Counted from the last start to the exit: a container that ran longer starts at FIRST again.
RESET = 600.0


class BackOff:
    """How long kubelet leaves a container ended: 10 s, doubled with each restart up to 300 s."""

    def __init__(self) -> None:
        self.delay = 0.0
        self._restarted_at: float | None = None

    def allows_restart(self, now: float, exited_at: float) -> bool:
        """Say whether a container that ended at `exited_at` may start now, and count that start."""
        forgotten = self._restarted_at is None or exited_at - self._restarted_at > RESET
        if not forgotten and now - exited_at < self.delay:
            return False
        self.delay = FIRST if forgotten else min(2 * self.delay, LIMIT)
        self._restarted_at = now
        return True

    def __str__(self) -> str:
        """Write the delay as Go does: 40s, 1m20s."""
        minutes, seconds = divmod(int(self.delay), 60)
        return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"

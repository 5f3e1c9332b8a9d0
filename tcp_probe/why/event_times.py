"""Which of the lives of a container an event tells of, by their times."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .events import Event
    from .pod import Death, ProbeSpec

# Times of the API are whole seconds, and a container's end is seen up to a second late.
SLACK = timedelta(seconds=2)


def within(event: Event, death: Death, grace: timedelta) -> bool:
    """Whether the last of these came as the container was killed: so long before its end."""
    if event.last is None or death.finished is None:
        return False
    return death.finished - grace <= event.last <= death.finished + SLACK


def covers(event: Event, death: Death) -> bool:
    """Whether these were counted together from before its end to after it."""
    if event.first is None or event.last is None or death.finished is None:
        return False
    return event.first <= death.finished + SLACK < event.last


def came_after_start(event: Event, death: Death, before: Death | None) -> bool | None:
    """Whether the last of these came in that life; None where it came in the second of its start.

    One failure may be enough for a kill, where kubelet carries those of the one before over. The
    one before, if that is known, was killed before its end.
    """
    if death.started is None or event.last is None or event.last > death.started:
        return True
    if event.last < death.started:
        return False
    return True if before and before.finished and before.finished < event.last else None


def last_before_end(failed: Sequence[Event], death: Death) -> bool:
    """Whether the last check failed before the end, rather than because of it."""
    last = failed[-1].last
    return not (last and death.finished and last > death.finished)


def in_one_go(probe: ProbeSpec, failed: Sequence[Event], death: Death) -> bool | None:
    """Whether all checks of that life failed from the first failure on; None where it began before.

    kubelet kills for as many failures in a row as the threshold.
    """
    first, last = failed[0].first, failed[-1].last
    if not (first and last and death.started and death.started <= first):
        return None
    count = sum(event.count for event in failed)
    pace = max(probe.period, probe.timeout)
    return last - first <= timedelta(seconds=(count - 1) * pace) + SLACK

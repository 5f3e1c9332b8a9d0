"""Events as the API server kept them: some of them, counted together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcp_probe.kubelet.recognise import ProbeReport, killing_probe, probe_report

from .json_fields import entries, find, mapping, number, text, time
from .words import between, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tcp_probe.kubelet.prober import ProbeKind

    from .pod import Pod

# kubelet sends so many events of a pod and type (Normal, Warning), then one each 5 minutes.
BURST = 25
_COMBINED = "(combined from similar events): "
_FIELD = re.compile(r"spec\.(?:c|initC|ephemeralC)ontainers\{(?P<name>.*)\}")


@dataclass(frozen=True)
class Event:
    """One event, or many that were counted together."""

    kind: str
    uid: str
    namespace: str
    name: str
    container: str
    type: str
    reason: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None

    def __str__(self) -> str:
        """Write what came, how often and when, as a line of evidence begins."""
        return f"event: {self.reason}{times(self.count)}, {between(self.first, self.last)}"

    @property
    def report(self) -> ProbeReport | None:
        """What it says of a check, if it does."""
        if self.reason in {"Unhealthy", "ProbeWarning"}:
            return probe_report(self.message)
        return None

    @property
    def detail(self) -> str:
        """What it says of a check, without whose; empty where it tells of none."""
        return self.report.detail if self.report else ""

    @property
    def killing_probe(self) -> ProbeKind | None:
        """Which probe it says has failed for good, if any."""
        return killing_probe(self.message) if self.reason == "Killing" else None

    def concerns(self, pod: Pod) -> bool:
        """Whether it is about this pod, rather than one before it of the same name."""
        if self.kind not in {"Pod", ""}:
            return False
        if self.uid and pod.uid:
            return self.uid == pod.uid
        return (self.namespace or pod.namespace, self.name) == (pod.namespace, pod.name)


class Events:
    """The events of one pod or of one container, oldest first."""

    def __init__(self, events: Iterable[Event]) -> None:
        # Stable for those without a time: they stay where they were.
        known = [event.last for event in events if event.last]
        least = min(known, default=None)
        self.all: Sequence[Event] = sorted(events, key=lambda event: event.last or least or 0)

    def of(self, container: str) -> Events:
        """Return those of one container."""
        return Events([event for event in self.all if event.container == container])

    def reasons(self, *reasons: str) -> list[Event]:
        """Return those with one of these reasons."""
        return [event for event in self.all if event.reason in reasons]

    def reports(self, kind: ProbeKind, outcome: str = "failed") -> list[Event]:
        """Return those that tell of such a check."""
        return [
            event
            for event in self.all
            if (report := event.report) and (report.kind, report.outcome) == (kind, outcome)
        ]

    def kills(self, kind: ProbeKind) -> list[Event]:
        """Return those that tell of a kill by that probe."""
        return [event for event in self.all if event.killing_probe == kind]

    def count(self, type_: str) -> int:
        """Count how many of that type were sent."""
        return total([event for event in self.all if event.type == type_])


def sorted_out(events: Iterable[Event]) -> Callable[[str, str], list[Event]]:
    """Return what finds the events of a pod by its uid and name, among those of thousands."""
    by_uid: dict[str, list[Event]] = {}
    by_name: dict[str, list[Event]] = {}
    for event in events:
        by_uid.setdefault(event.uid, []).append(event)
        by_name.setdefault(event.name, []).append(event)

    def found(uid: str, name: str) -> list[Event]:
        own = by_uid.get(uid, []) if uid else []
        return own + [event for event in by_name.get(name, []) if not (uid and event.uid)]

    return found


def total(events: Iterable[Event]) -> int:
    """Count each event as often as it came."""
    return sum(event.count for event in events)


def event_of(document: Any) -> Event:
    """Read an event of either API (`v1` or `events.k8s.io/v1`)."""
    about = mapping(document, "involvedObject") or mapping(document, "regarding")
    series = mapping(document, "series")
    message = text(document, "message") or text(document, "note")
    source = "deprecated" if find(document, "deprecatedLastTimestamp") else ""

    def field(name: str) -> str:
        return f"{source}{name[0].upper()}{name[1:]}" if source else name

    begun = time(document, "eventTime") or time(document, "metadata", "creationTimestamp")
    first = time(document, field("firstTimestamp")) or begun
    last = time(series, "lastObservedTime") or time(document, field("lastTimestamp")) or first
    container = _FIELD.fullmatch(text(about, "fieldPath"))
    return Event(
        kind=text(about, "kind"),
        uid=text(about, "uid"),
        namespace=text(about, "namespace"),
        name=text(about, "name"),
        container=container["name"] if container else "",
        type=text(document, "type"),
        reason=text(document, "reason"),
        message=message.removeprefix(_COMBINED),
        count=max(number(series, "count"), number(document, field("count")), 1),
        first=first,
        last=last,
    )


def events_of(document: Any) -> list[Event]:
    """Read a List of events."""
    return [event_of(each) for each in entries(document, "items")]

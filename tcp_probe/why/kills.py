"""Whether a probe killed a container, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import log2
from typing import TYPE_CHECKING

from tcp_probe.kubelet.back_off import FIRST, LIMIT, RESET

from .event_times import SLACK, came_after_start, covers, in_one_go, last_before_end, within
from .events import BURST, total
from .json_fields import find
from .pod import KILLING
from .words import counted, span

if TYPE_CHECKING:
    from datetime import datetime

    from tcp_probe.kubelet.prober import ProbeKind

    from .case import Case
    from .events import Event, Events
    from .pod import Death, ProbeSpec
    from .verdict import Certainty

# What a probe's kill leaves behind: a clean end, SIGTERM not handled, SIGKILL after the grace.
_USUAL_CODES = {0, 137, 143}
_RESTARTED_AT_ONCE = 2.0


@dataclass(frozen=True)
class Kill:
    """A kill by a probe, as far as it can be told."""

    kind: ProbeKind
    certainty: Certainty
    evidence: tuple[str, ...]
    at: datetime | None = None
    # SIGTERM was sent; the API does not tell yet, or no longer, how the container ended.
    ongoing: bool = False


def candidates(case: Case, death: Death) -> list[ProbeSpec]:
    """Return the probes that can have killed it: it lived long enough for them."""
    life = death.life
    return [probe for probe in _killing(case) if life is None or life + 1 >= probe.soonest_kill]


def kill_of(case: Case, death: Death) -> Kill | None:
    """Return the kill that ended it; None where no probe did, as far as is known."""
    probes = candidates(case, death)
    if case.events is not None:
        for probe in _killing(case):
            if kill := _told(case, death, probe, case.events):
                return kill
        if not_killed(case, death):
            return None
        for probe in probes:
            if kill := _failures(case, death, probe, case.events):
                return kill
    return _by_log(case, probes) or _by_elimination(case, death, probes)


def in_progress(case: Case) -> Kill | None:
    """Return a kill that only an event tells of: the container has not ended, or that is lost."""
    after = case.death.finished if case.death else None
    for kind in KILLING:
        probe = case.container.probes.get(kind)
        for event in case.events.kills(kind)[-1:] if case.events and probe else ():
            if event.last and (after is None or event.last > after + SLACK):
                return Kill(kind, "likely", (str(event),), event.last, ongoing=True)
    return _stop_in_progress(case)


def _stop_in_progress(case: Case) -> Kill | None:
    """Return the kill of the only container of a pod that is not to run again."""
    container = case.container
    if case.events is None or container.restart_policy != "Never" or not container.running:
        return None
    stops = [each for each in case.events.reasons("Killing") if "Stopping" in each.message]
    for probe in (container.probes[kind] for kind in KILLING if kind in container.probes):
        failed = case.events.reports(probe.kind)
        if stops and _enough(probe, failed) and _together(failed[-1], stops[-1]):
            return Kill(probe.kind, "likely", (str(stops[-1]),), stops[-1].last, ongoing=True)
    return None


def _together(failed: Event, stop: Event) -> bool:
    return bool(failed.last and stop.last and abs(stop.last - failed.last) <= SLACK)


def none_could(case: Case, death: Death) -> bool:
    """Whether kubelet cannot have ended it: no hook is there, no probe, or not for long enough.

    kubelet carries failed checks over to the next container, of which one may then be enough.
    """
    hook = find(case.container.spec, "lifecycle", "postStart")
    before = case.container.restarts - case.container.running
    carried = [probe for probe in _killing(case) if (death.life or 0) + 1 >= probe.delay - 1]
    return hook is None and not (candidates(case, death) or (before > 0 and carried))


def rests_as_after_its_own_end(case: Case, death: Death) -> bool:
    """Whether its back-off is that of a container that ends by itself."""
    return _back_off_restarts(case) == 1 and (death.life or 0) < RESET


def not_killed(case: Case, death: Death) -> bool:
    """Whether what is known speaks against a kill by a probe."""
    if not candidates(case, death) or rests_as_after_its_own_end(case, death):
        return True
    events = case.events
    if events is None or _stopping(case, death) or _restarted_after_success(case, death):
        return False
    # Killing is of type Normal, as is Started: where each Started came, so would each Killing.
    started = events.reasons("Started")
    heard_of_all = total(started) > case.container.restarts
    covers = any(event.last and death.started and event.last >= death.started for event in started)
    lives = case.container.restarts + 1
    failing = any(
        total(events.reports(probe.kind)) >= probe.threshold * lives
        for probe in candidates(case, death)
    )
    return heard_of_all and covers and not failing


def _killing(case: Case) -> list[ProbeSpec]:
    return [probe for kind in KILLING if (probe := case.container.probes.get(kind))]


def failed_before(case: Case, death: Death) -> bool:
    """Whether checks of a probe that kills failed right before its end."""
    grace = timedelta(seconds=case.container.grace()) + SLACK
    events = case.events
    return events is not None and any(
        within(event, death, grace) or covers(event, death)
        for probe in _killing(case)
        for event in events.reports(probe.kind)
    )


def _told(case: Case, death: Death, probe: ProbeSpec, events: Events) -> Kill | None:
    grace = timedelta(seconds=case.container.grace(probe.kind)) + SLACK
    for event in reversed(events.kills(probe.kind)):
        if within(event, death, grace):
            of_this = came_after_start(event, death, _before(case, death))
            kills = sum(total(events.kills(kind)) for kind in KILLING)
            if of_this or (of_this is None and kills > case.container.restarts):
                return _kill(case, probe, event, "certain")
            if of_this is None and death.code in _USUAL_CODES:
                return _kill(case, probe, event, "possible")
        # Counted together from the first to the last, which is of the container after this one.
        if event.count > 1 and covers(event, death):
            each_of_them = event.count > case.container.restarts
            return _kill(case, probe, event, "certain" if each_of_them else "likely")
    stopping = _stopping(case, death)
    failed = events.reports(probe.kind)
    if stopping and failed and _enough(probe, failed) and within(failed[-1], death, grace):
        return _kill(case, probe, stopping, "certain")
    return None


def _before(case: Case, death: Death) -> Death | None:
    """Return how the container before that one ended, where it is kept."""
    deaths = case.container.deaths
    return deaths[1] if len(deaths) > 1 and death is deaths[0] else None


def _restarted_after_success(case: Case, death: Death) -> bool:
    """Whether it was restarted although it ended with 0, which OnFailure does after kills only."""
    container = case.container
    on_failure = container.restart_policy == "OnFailure" and not death.code
    return on_failure and bool(container.restarts) and not container.ended


def _stopping(case: Case, death: Death) -> Event | None:
    """Return what kubelet says where a probe kills the only container of a pod that is not to run.

    It says the same as it ends a pod for other reasons, which the pod then shows.
    """
    if case.events is None or case.container.restart_policy != "Never":
        return None
    grace = timedelta(seconds=case.container.grace()) + SLACK
    told = [event for event in case.events.reasons("Killing") if "Stopping" in event.message]
    return next((event for event in told if within(event, death, grace)), None)


def _kill(case: Case, probe: ProbeSpec, event: Event, certainty: Certainty) -> Kill:
    # Of the only container of a pod that is not to run again kubelet says another thing.
    said = f": {event.message}" if event.message.startswith("Stopping") else ""
    evidence = [f"{event}{said}"]
    if fit := arithmetic(case, probe, event):
        evidence.append(fit)
    return Kill(probe.kind, certainty, tuple(evidence), event.last)


def _failures(case: Case, death: Death, probe: ProbeSpec, events: Events) -> Kill | None:
    """Take failures that are as many as it takes, where Killing may have been lost."""
    failed = events.reports(probe.kind)
    grace = timedelta(seconds=case.container.grace(probe.kind)) + SLACK
    if not failed or not _enough(probe, failed) or not last_before_end(failed, death):
        return None
    all_failed = in_one_go(probe, failed, death)
    if not (all_failed or death.code in _USUAL_CODES) or not any(
        within(event, death, grace) or covers(event, death) for event in failed
    ):
        return None
    lost = "kubelet sends 25 events of a type and pod at once, then one each 5 minutes"
    spent = events.count("Normal") >= BURST
    return Kill(
        probe.kind,
        "possible" if all_failed is False else "likely",
        (f"event: no Killing came{f': {lost}' if spent else ', which proves nothing'}",),
    )


def _enough(probe: ProbeSpec, failed: list[Event]) -> bool:
    return total(failed) >= probe.threshold


def _by_log(case: Case, probes: list[ProbeSpec]) -> Kill | None:
    log = case.log
    for probe in probes:
        port = case.container.port_of(probe)
        if log and probe.connects and port and log.refusal(port):
            return Kill(probe.kind, "likely", (f"log: port {port} refused checks before the end",))
    return None


def _by_elimination(case: Case, death: Death, probes: list[ProbeSpec]) -> Kill | None:
    if not probes or death.code not in _USUAL_CODES:
        return None
    container = case.container
    startup = probes[0].kind == "startup" and (case.pod.never_ready or len(probes) == 1)
    kind = probes[0].kind if startup else probes[-1].kind
    lines = []
    if _restarted_at_once(case, death):
        lines.append("pod: it restarted at once; after ends of its own kubelet would have waited")
    if (restarts := _back_off_restarts(case)) and restarts > 1:
        lines.append(
            f"pod: a back-off of {span(container.back_off or 0)} after "
            f"{counted(container.restarts, 'restart')} fits a container that a probe kills"
        )
    if _restarted_after_success(case, death):
        lines.append(
            "pod: it ended with 0 and was restarted, which OnFailure does after kills only"
        )
    if lines or death.code == 143:  # noqa: PLR2004 (SIGTERM)
        lines += ["pod: nobody but kubelet sends SIGTERM"] if death.code == 143 else []  # noqa: PLR2004
        return Kill(kind, "likely", tuple(lines))
    if not death.code and container.restart_policy != "Always" and case.pod.phase == "Succeeded":
        return None
    lived = "" if death.life is None else f" after {span(death.life)}"
    fits = f"spec: the {kind} probe can have killed it{lived}; nothing read here says so"
    return Kill(kind, "possible", (fits,))


def arithmetic(case: Case, probe: ProbeSpec, kill: Event) -> str | None:
    """Say whether failures and kill fit the figures of the probe."""
    failed = case.events.reports(probe.kind) if case.events else []
    first = min((event.first for event in failed if event.first), default=None)
    if first is None or kill.first is None or kill.first < first:
        return None
    took = (kill.first - first).total_seconds()
    more = probe.threshold - 1
    least = more * probe.period - 1
    most = more * max(probe.period, probe.timeout) + probe.timeout + 2
    figures = f"{probe.threshold} failures, {probe.period} s apart"
    if least <= took <= most:
        return f"spec: killed {span(took)} after the first failure, as {figures}, take"
    return (
        f"spec: killed {span(took)} after the first failure, which {figures}, do not take: checks "
        "passed in between or took longer than their timeout, or the node was busy"
    )


def _back_off_restarts(case: Case) -> int | None:
    """Return how many of its restarts came at once; None where the back-off does not tell.

    kubelet doubles the back-off with each restart that had to wait. A container that ends by itself
    restarts at once the first time only, one that its probe kills two or three times.
    """
    delay = case.container.back_off
    if not delay or delay >= LIMIT:
        return None
    # A node may be set to begin with 1 s.
    doublings = log2(delay / FIRST)
    if not doublings.is_integer() or doublings < 0:
        doublings = log2(delay)
    at_once = case.container.restarts - doublings
    return int(at_once) if doublings.is_integer() and at_once > 0 else None


def _restarted_at_once(case: Case, death: Death) -> bool:
    again = case.container.running_since
    if again is None or death.finished is None or (death.life or RESET) >= RESET:
        return False
    rested = (again - death.finished).total_seconds()
    return case.container.restarts > 1 and rested <= _RESTARTED_AT_ONCE

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .prober import Prober

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .prober import Probe, ProbeKind


class Probers:
    """The probes of one container, and what kubelet makes of their results.

    `started` is what the status of the container says: liveness and readiness are checked only
    where it is set, startup only where it is not.
    """

    def __init__(self) -> None:
        self.started = False
        self._probers: dict[ProbeKind, Prober] = {}

    def begin(self, probes: tuple[Probe, ...], now: float) -> None:
        """Let the tickers start."""
        self._probers = {probe.kind: Prober(probe, now) for probe in probes}

    def __getitem__(self, kind: ProbeKind) -> Prober:
        return self._probers[kind]

    @property
    def next_tick(self) -> float:
        """When a ticker fires next."""
        return min((prober.next_tick for prober in self._probers.values()), default=inf)

    @property
    def ready(self) -> bool:
        """Whether, as far as probes go, the container is ready."""
        readiness = self._probers.get("readiness")
        return self.started and (readiness is None or readiness.result is True)

    @property
    def failed(self) -> Probe | None:
        """The probe for which the container is to be killed."""
        for kind in ("liveness", "startup"):
            prober = self._probers.get(kind)
            if prober and prober.result is False:
                return prober.probe
        return None

    @property
    def awaits_readiness(self) -> bool:
        """Whether a look at the pod asks for a check of readiness."""
        readiness = self._probers.get("readiness")
        return self.started and readiness is not None and not readiness.result

    @property
    def steady(self) -> bool:
        """Whether passing checks change nothing."""
        return all(prober.steady for prober in self._probers.values())

    def skip(self, now: float) -> None:
        """Let the ticks up to now pass unused."""
        for prober in self._probers.values():
            prober.skip_ticks(now)

    def meet(self, now: float, *, keep_started: bool) -> None:
        """Begin with a new container."""
        for prober in self._probers.values():
            prober.container_started(now)
        self.started = "startup" not in self._probers or (keep_started and self.started)

    def ask_for_readiness(self) -> None:
        """Ask for a check of readiness out of turn."""
        self._probers["readiness"].trigger()

    def poll(self, now: float, age: float) -> Iterator[Probe]:
        """Yield the probes to check now, of a container of this age."""
        for prober in self._probers.values():
            if prober.poll(now, age, started=self.started):
                yield prober.probe

    def finds_unstarted(self) -> bool:
        """Say whether the startup prober has met a container that only passes for started."""
        startup = self._probers.get("startup")
        if not (startup and startup.met and self.started and startup.result is None):
            return False
        self.started = False
        return True

from __future__ import annotations

from time import process_time

import pytest

from tcp_probe.kubelet.handlers import Exec, Handler, Sleep, TcpSocket
from tcp_probe.kubelet.prober import Probe, ProbeKind
from tcp_probe.kubelet.steps import Container
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import parse

TCP: dict[ProbeKind, Handler] = {
    "startup": TcpSocket(9090),
    "liveness": TcpSocket(9090),
    "readiness": TcpSocket(9090),
}


def rehearsed(script: str, *probes: Probe, until: float = 60, **more: object) -> list[str]:
    container = Container("app", probes, pre_stop=bool(more.get("pre_stop")))
    simulation = Simulation(container, TCP, parse(script), **more)  # type: ignore[arg-type]
    return [f"{event.time:.1f} {event.reason}" for event in simulation.run(until)]


def test_a_slow_start_is_killed_without_a_startup_probe() -> None:
    """Liveness gives it 3 checks, which is not enough for a start of 40 s."""
    events = rehearsed("start=40", Probe("liveness"), until=30.001)
    assert events == [
        "0.0 Started",
        "0.0 Ready",
        "9.8 Unhealthy",
        "19.9 Unhealthy",
        "29.9 Unhealthy",
        "29.9 Killing",
        "29.9 Exited",
        "30.0 Started",
    ]


def test_a_startup_probe_saves_a_slow_start() -> None:
    """It has nothing but that to do, so it may be given time."""
    startup = Probe("startup", period=2, failure_threshold=30)
    events = rehearsed("start=40", startup, Probe("liveness"), until=100)
    assert "Killing" not in "".join(events)
    assert events[-1] == "41.9 Ready"


def test_a_worker_that_needs_time_to_end_gets_it() -> None:
    """SIGTERM is followed by the exit after `term` seconds, with code 0."""
    events = rehearsed("close=1,term=3", Probe("liveness", period=1, failure_threshold=1), until=5)
    assert events[2:5] == ["1.9 Unhealthy", "1.9 Killing", "4.9 Exited"]


@pytest.mark.parametrize(("hook", "exit_at"), [(Sleep(4), "5.9"), (Exec(("x",)), "1.9")])
def test_a_hook_delays_sigterm(hook: Sleep | Exec, exit_at: str) -> None:
    """A sleep by its seconds; what a command would take is not known here."""
    probe = Probe("liveness", period=1, failure_threshold=1)
    events = rehearsed("close=1", probe, until=6, pre_stop=hook)
    assert f"{exit_at} Exited" in events


def test_an_exit_during_the_grace_counts_once() -> None:
    """What would have ended one instance later does not end the next one."""
    probe = Probe("liveness", period=1, failure_threshold=1)
    events = rehearsed("close=1,exit=3:1,term=5", probe, until=9)
    assert [event for event in events if "Exited" in event] == ["3.0 Exited", "6.1 Exited"]


def test_the_pods_end_is_the_end() -> None:
    """With OnFailure a clean exit finishes the pod, long before the time is over."""
    container = Container("job", restart_policy="OnFailure")
    simulation = Simulation(container, {}, parse("exit=30"))
    events = [(event.time, event.reason) for event in simulation.run(3600)]
    assert events[-2] == (30, "Exited")
    assert events[-1][1] == "NotReady"
    assert 30 <= simulation.now <= 31
    assert simulation.kubelet.finished


def test_the_seed_decides_what_is_random() -> None:
    """The same seed tells the same story, another one another."""
    stories = [rehearsed("exit=1:1", until=3000, seed=seed) for seed in (7, 7, 8)]
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]


def test_an_hour_takes_well_under_a_second() -> None:
    """Of the processor's time: the machine may be busy with other things, too."""
    probes = (Probe("startup", period=2), Probe("liveness"), Probe("readiness", period=5))
    for script in ("close=60", "start=0"):
        began = process_time()
        rehearsed(script, *probes, until=3600)
        assert process_time() - began < 0.5

from __future__ import annotations

import pytest

from tcp_probe.kubelet.handlers import Exec, Handler, Hook, Sleep, TcpSocket
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


DAY = 24 * 3600
PROBES = (
    Probe("startup", period=2, failure_threshold=30),
    Probe("liveness"),
    Probe("readiness", period=5),
)


@pytest.mark.parametrize(
    ("script", "most"),
    [("start=0", 40), ("start=40,close=40000", 300), ("exit=1:1", 4000), ("term=0", 40)],
)
def test_a_day_takes_few_steps(script: str, most: int) -> None:
    """Checks that pass and change nothing are left out, so a thousand pods are soon simulated."""
    simulation = Simulation(Container("app", PROBES), TCP, parse(script))
    list(simulation.run(DAY))
    assert simulation.work < most


def test_where_each_check_is_told_none_is_left_out() -> None:
    """For a picture, say; the story is the same."""
    told: list[float] = []
    every = Simulation(
        Container("app", PROBES),
        TCP,
        parse("close=1000"),
        on_check=lambda began, *_: told.append(began),
    )
    some = Simulation(Container("app", PROBES), TCP, parse("close=1000"))
    assert list(every.run(3600)) == list(some.run(3600))
    assert len(told) > 500
    assert some.work < every.work / 2


@pytest.mark.parametrize(("hook", "failures"), [(Exec(("sleep", "20")), 1), (Sleep(20), 0)])
def test_a_hook_that_the_grace_cuts_short(hook: Sleep | Exec, failures: int) -> None:
    """A command ends with its container, which is a failure; a sleep cut short is none."""
    probe = Probe("liveness", period=2, failure_threshold=1, grace=3)
    events = rehearsed("close=1", probe, until=6, pre_stop=hook)
    assert "4.9 Exited" in events
    assert len([event for event in events if "FailedPreStopHook" in event]) == failures


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (Exec(("sleep", "7")), ["0.0 Started", "7.0 Ready"]),
        (Sleep(7), ["0.0 Started", "7.0 Ready"]),
        (Exec(("false",)), ["0.0 Started", "0.0 FailedPostStartHook", "0.0 Killing", "0.0 Exited"]),
        (TcpSocket(9090), ["0.0 Started", "0.0 FailedPostStartHook"]),
    ],
)
def test_a_hook_runs_after_the_start(hook: Hook, expected: list[str]) -> None:
    """Nothing is checked meanwhile, and where it fails the container is ended."""
    container = Container("app", (Probe("liveness"),), post_start=True)
    simulation = Simulation(container, TCP, parse("start=0"), post_start=hook)
    events = [f"{event.time:.1f} {event.reason}" for event in simulation.run(9)]
    assert events[: len(expected)] == expected


def test_init_containers_come_first() -> None:
    """Each is seen to have ended within a second; the tickers run from before the first."""
    probe = Probe("liveness", period=5)
    simulation = Simulation(Container("app", (probe,)), TCP, parse("close=0"), init=(3, 3.3))
    events = [event for event in simulation.run(20) if event.reason in ("Started", "Unhealthy")]
    assert 6.3 < events[0].time < 8.5
    assert [round(event.time, 2) for event in events[1:3]] == [9.85, 14.85]


@pytest.mark.parametrize(("shares", "code"), [(True, 143), (False, 0)])
def test_beside_pid_1_sigterm_ends_a_worker_without_a_handler(shares: bool, code: int) -> None:  # noqa: FBT001
    """With 143, as the kernel does; alone it is PID 1, and taken to handle it."""
    probe = Probe("liveness", period=1, failure_threshold=1)
    simulation = Simulation(
        Container("app", (probe,)), TCP, parse("close=1"), shares_processes=shares
    )
    [exited] = [event for event in simulation.run(3) if event.reason == "Exited"][:1]
    assert exited.message.endswith(f"exited with code {code}")

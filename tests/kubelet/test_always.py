from __future__ import annotations

from math import inf

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tcp_probe.kubelet.back_off import latest_end
from tcp_probe.kubelet.handlers import Exec, Handler, Hook, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.messages import KILLED_FOR_POST_START
from tcp_probe.kubelet.prober import Probe, ProbeKind
from tcp_probe.kubelet.restart_policy import RestartRule, rule_for
from tcp_probe.kubelet.restarter import START_TAKES
from tcp_probe.kubelet.steps import Container, Outcome, RunCheck, Step
from tcp_probe.kubelet.versions import NEWEST, OLDEST, Rules
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import WorkerScript

HOUR = 3600


@st.composite
def probes(draw: st.DrawFn, kind: ProbeKind) -> Probe:
    return Probe(
        kind,
        period=draw(st.integers(1, 15)),
        timeout=draw(st.integers(1, 5)),
        initial_delay=draw(st.integers(0, 20)),
        success_threshold=draw(st.integers(1, 3)) if kind == "readiness" else 1,
        failure_threshold=draw(st.integers(1, 5)),
        grace=draw(st.none() | st.integers(1, 20)) if kind != "readiness" else None,
    )


@st.composite
def containers(draw: st.DrawFn) -> Container:
    kinds: tuple[ProbeKind, ...] = ("startup", "liveness", "readiness")
    chosen = [draw(probes(kind)) for kind in kinds if draw(st.booleans())]
    return Container(
        "worker",
        tuple(chosen),
        grace=draw(st.integers(0, 30)),
        restart_policy=draw(st.sampled_from(["Always", "OnFailure", "Never"])),
        pre_stop=draw(st.booleans()),
        alone=draw(st.booleans()),
        own_restart_policy=draw(st.none() | st.sampled_from(["Always", "OnFailure", "Never"])),
        restart_rules=tuple(draw(st.lists(rules_of_exits, max_size=2))),
        sidecar=draw(st.booleans()),
        post_start=draw(st.booleans()),
    )


rules_of_exits = st.builds(
    RestartRule,
    st.sampled_from(["Restart", "RestartAllContainers"]),
    st.frozensets(st.integers(0, 2), max_size=2),
    st.booleans(),
)
kubelets = st.builds(Rules, st.integers(OLDEST, NEWEST))
hooks: st.SearchStrategy[Hook] = st.sampled_from([Sleep(0), Sleep(7), Exec(("false",))])
seconds = st.integers(0, 60)
scripts = st.builds(
    WorkerScript,
    start=seconds,
    close=seconds | st.just(inf),
    hang=seconds | st.just(inf),
    backlog=st.integers(0, 4),
    exit=st.integers(1, 900) | st.just(inf),
    exit_code=st.integers(0, 2),
    term=st.none() | seconds,
    http=st.just(()) | st.builds(lambda age: ((age, "stall"),), seconds),
    pre_stop=st.none() | st.tuples(seconds, st.integers(0, 1)),
)
handlers = st.sampled_from([TcpSocket(9090), HttpGet(9090)])


class Watched(Simulation):
    """A simulation that notes which checks begin, and how they end."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is drawn
        self,
        container: Container,
        handler: Handler,
        script: WorkerScript,
        seed: int,
        rules: Rules,
        hook: Hook,
    ) -> None:
        handlers = dict.fromkeys([probe.kind for probe in container.probes], handler)
        super().__init__(
            container, handlers, script, seed=seed, rules=rules, pre_stop=hook, post_start=hook
        )
        self.begun: list[tuple[float, ProbeKind]] = []
        self.ended: list[tuple[float, ProbeKind, bool]] = []
        checked = self.kubelet.checked

        def noted(now: float, kind: ProbeKind, outcome: Outcome) -> list[Step]:
            if outcome.success is not None:
                self.ended.append((now, kind, outcome.success))
            return checked(now, kind, outcome)

        self.kubelet.checked = noted  # type: ignore[method-assign]
        self.events = list(self.run(HOUR))

    def _perform(self, step: Step) -> None:
        if isinstance(step, RunCheck):
            self.begun.append((self.now, step.probe.kind))
        super()._perform(step)

    def times(self, *reasons: str) -> list[float]:
        return [event.time for event in self.events if event.reason in reasons]


seeds = st.integers(0, 1000)
simulations = st.builds(Watched, containers(), handlers, scripts, seeds, kubelets, hooks)
before_1_35 = st.builds(
    Watched, containers(), handlers, scripts, seeds, st.just(Rules(minor=34)), hooks
)
every_hour = settings(max_examples=25, deadline=None)


@every_hour
@given(simulations)
def test_there_is_never_more_than_one_instance(simulation: Watched) -> None:
    """Between two starts there is always an exit."""
    reasons = [event.reason for event in simulation.events]
    lives = [reason for reason in reasons if reason in ("Started", "Exited")]
    assert lives[::2] == ["Started"] * len(lives[::2])
    assert lives[1::2] == ["Exited"] * len(lives[1::2])
    assert simulation.kubelet.restarts == max(lives.count("Started") - 1, 0)


@every_hour
@given(before_1_35)
def test_nothing_but_startup_is_checked_before_startup_has_succeeded(simulation: Watched) -> None:
    """In each instance liveness and readiness begin after a success of the startup probe.

    From 1.35 on a container that its probe has killed passes for started for a moment.
    """
    if all(probe.kind != "startup" for probe in simulation.kubelet.container.probes):
        return
    passed = [time for time, kind, success in simulation.ended if kind == "startup" and success]
    starts = simulation.times("Started")
    for began, kind in simulation.begun:
        started = max(start for start in starts if start <= began)
        if kind != "startup":
            assert any(started <= time <= began for time in passed)


@every_hour
@given(simulations)
def test_no_check_begins_before_the_initial_delay(simulation: Watched) -> None:
    """But for the part of a second that kubelet cuts off, nor while there is no container."""
    delays = {probe.kind: probe.initial_delay for probe in simulation.kubelet.container.probes}
    lives = [(event.time, event.reason) for event in simulation.events]
    for began, kind in simulation.begun:
        started = max(time for time, reason in lives if reason == "Started" and time <= began)
        assert began - started > delays[kind] - 1
        exits = [time for time, reason in lives if reason == "Exited" and started < time < began]
        # Within a second kubelet may not have seen yet that the container has ended.
        assert began <= min(exits, default=began) + 1


@every_hour
@given(simulations)
def test_a_kill_follows_failures_in_a_row(simulation: Watched) -> None:
    """There are failureThreshold of them, and never fewer; a failed hook kills at once."""
    thresholds = {
        probe.kind: probe.failure_threshold for probe in simulation.kubelet.container.probes
    }
    for event in simulation.events:
        if event.reason == "Killing" and event.message != KILLED_FOR_POST_START:
            rows = []
            for kind in set(thresholds) - {"readiness"}:
                results = [
                    success
                    for time, probed, success in simulation.ended
                    if probed == kind and time <= event.time
                ]
                row = results[-thresholds[kind] :]
                rows.append(len(row) == thresholds[kind] and not any(row))
            assert any(rows)


@every_hour
@given(simulations)
def test_a_kill_is_over_when_the_grace_is(simulation: Watched) -> None:
    """Whatever the worker does, SIGKILL ends it; 2 s are added where a hook took all the grace."""
    graces = [probe.grace or 0 for probe in simulation.kubelet.container.probes]
    most = max([2, simulation.kubelet.container.grace, *graces]) + 2
    exits = simulation.times("Exited")
    for killed in simulation.times("Killing"):
        later = [time for time in exits if time >= killed]
        assert later[:1] <= [killed + most] if later else killed + most > HOUR


@every_hour
@given(simulations)
def test_a_back_off_is_ten_to_three_hundred_seconds_and_kept(simulation: Watched) -> None:
    """A restart comes when it is over, and no later than the version's rule allows."""
    # What restarts with its whole pod, as this version and a rule may have it, waits for none.
    container, rules = simulation.kubelet.container, simulation.kubelet.rules
    heeded = filter(None, (rule_for(container, code, rules) for code in range(256)))
    assume(all(rule.action != "RestartAllContainers" for rule in heeded))
    exited = 0.0
    over: float | None = None
    latest = 0.0
    for event in simulation.events:
        if event.reason == "Exited":
            exited = event.time
        elif event.delay is not None:
            assert 10 <= event.delay <= 300
            over, latest = (
                exited + event.delay,
                exited + latest_end(event.delay, simulation.kubelet.rules),
            )
        elif event.reason == "Started" and over is not None:
            assert over <= event.time <= latest
            over = None


@every_hour
@given(simulations)
def test_after_ten_minutes_of_running_the_back_off_is_forgotten(simulation: Watched) -> None:
    """A container that then ends by itself restarts within the second that kubelet needs."""
    started = 0.0
    ended = None
    killed = False
    for event in simulation.events:
        if event.reason == "Started":
            assert ended is None or event.time - ended <= 1 + START_TAKES
            started, ended, killed = event.time, None, False
        elif event.reason == "Killing":
            killed = True
        elif event.reason == "Exited" and event.time - started > 601 and not killed:
            ended = event.time


@every_hour
@given(containers(), handlers, scripts, seeds)
def test_the_checks_that_are_left_out_change_nothing(
    container: Container, handler: Handler, script: WorkerScript, seed: int
) -> None:
    """With each of them the same story is told."""
    by_kind = dict.fromkeys([probe.kind for probe in container.probes], handler)
    some = Simulation(container, by_kind, script, seed=seed)
    every = Simulation(container, by_kind, script, seed=seed, on_check=lambda *_: None)
    assert list(some.run(HOUR)) == list(every.run(HOUR))

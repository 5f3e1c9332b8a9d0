from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcp_probe.explain.timing import Figures, Span, Timing
from tcp_probe.kubelet.handlers import Exec, Grpc, Handler, Hook, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.looks import KILL_TAKES, RELIST
from tcp_probe.kubelet.prober import Probe, ProbeKind
from tcp_probe.kubelet.state_machine import RESTART_TAKES, SEEN_AFTER
from tcp_probe.kubelet.steps import Container
from tcp_probe.kubelet.versions import Rules
from tcp_probe.rehearse.virtual import Simulation
from tcp_probe.rehearse.worker_script import WorkerScript

TCP = TcpSocket(9090)
FAULTS: dict[str, Callable[[Timing], Figures]] = {
    "refusal": Timing.refusal,
    "standstill": Timing.standstill,
    "stall": Timing.stall,
}
# When a fault begins: every check has passed by then.
SETTLED = 100
PHASES = 20


@dataclass(frozen=True)
class Case:
    """A container, and what its worker passes to `tcp_probe.serve`."""

    container: Container
    handlers: dict[ProbeKind, Handler]
    backlog: int
    stall_timeout: int
    pre_stop: Hook | None = None
    # How long a hook that does not sleep takes.
    hook_takes: int = 0
    rules: Rules = field(default_factory=Rules)

    @property
    def timing(self) -> Timing:
        return Timing(
            self.container,
            self.handlers,
            self.backlog,
            self.stall_timeout,
            pre_stop=self.pre_stop,
            rules=self.rules,
        )

    def seconds_until(self, fault: str, phase: float, seed: int) -> dict[str, float]:
        """Simulate the fault: when come the kill, the new container, and not being ready."""
        at = SETTLED + phase
        script = {
            "refusal": WorkerScript(close=at),
            "standstill": WorkerScript(hang=at, backlog=self.backlog),
            "stall": WorkerScript(hang=at, backlog=self.backlog, close=at + self.stall_timeout),
        }[fault]
        simulation = Simulation(
            self.container,
            self.handlers,
            replace(script, pre_stop=(self.hook_takes, 0)),
            pre_stop=self.pre_stop,
            seed=seed,
            rules=self.rules,
        )
        seconds: dict[str, float] = {}
        for event in simulation.run(at + 3600):
            if event.time >= at:
                seconds.setdefault(event.reason, event.time - at)
            if "Started" in seconds and event.time > at + seconds["Started"] + RELIST:
                break
        return seconds


@st.composite
def probes(draw: st.DrawFn, kind: ProbeKind) -> Probe:
    return Probe(
        kind,
        period=draw(st.integers(1, 12)),
        timeout=draw(st.integers(1, 15)),
        success_threshold=draw(st.integers(1, 3)) if kind == "readiness" else 1,
        failure_threshold=draw(st.integers(1, 4)),
        grace=draw(st.none() | st.integers(1, 20)) if kind == "liveness" else None,
    )


handlers: st.SearchStrategy[Handler] = st.sampled_from(
    [TCP, TcpSocket(8080), HttpGet(9090), Grpc(9090), Exec(("check",))]
)
hooks: st.SearchStrategy[Hook | None] = st.one_of(
    st.none(),
    st.builds(Sleep, st.integers(0, 25)),
    st.sampled_from([Exec(("drain",)), HttpGet(9090), TcpSocket(9090)]),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    both: list[ProbeKind] = ["liveness", "readiness"]
    kinds = both[: draw(st.integers(1, 2))]
    hook = draw(hooks)
    container = Container(
        "worker",
        tuple(draw(probes(kind)) for kind in kinds),
        grace=draw(st.integers(0, 20)),
        pre_stop=hook is not None,
        own_restart_policy=draw(st.sampled_from([None, "Always", "OnFailure"])),
        sidecar=draw(st.booleans()),
    )
    return Case(
        container,
        {kind: draw(handlers) for kind in kinds},
        draw(st.integers(0, 12)),
        draw(st.integers(1, 60)),
        hook,
        draw(st.integers(0, 25)),
        Rules(draw(st.integers(28, 37))),
    )


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from(sorted(FAULTS)), st.floats(0, 24), st.integers(0, 1000))
def test_every_simulated_fault_ends_within_the_figures(
    case: Case, fault: str, phase: float, seed: int
) -> None:
    """Whatever the settings and wherever in its period each probe happens to be."""
    figures = FAULTS[fault](case.timing)
    seconds = case.seconds_until(fault, phase, seed)
    for span, reason, takes in (
        (figures.killed, "Killing", KILL_TAKES),
        (figures.new_container, "Started", KILL_TAKES + RESTART_TAKES),
        (figures.not_ready, "NotReady", KILL_TAKES + RESTART_TAKES + SEEN_AFTER),
    ):
        if span:
            assert span.least - 1e-6 <= seconds[reason] <= span.most + takes + 1e-6


@settings(max_examples=15, deadline=None)
@given(probes("liveness"), st.integers(0, 12), st.integers(1, 60), st.sampled_from(sorted(FAULTS)))
def test_the_figures_are_no_wider_than_a_period_and_a_second(
    probe: Probe, backlog: int, stall_timeout: int, fault: str
) -> None:
    """Over all phases of one probe, the soonest and the latest kill come close to both ends.

    In a stall a check under way when the port begins to refuse may end at once or time out, and
    where a check takes longer than its period, not every phase is possible.
    """
    case = Case(Container("worker", (probe,)), {"liveness": TCP}, backlog, stall_timeout)
    span = FAULTS[fault](case.timing).sigterm
    assert span is not None
    kills = [
        case.seconds_until(fault, phase * probe.period / PHASES, seed=1)["Killing"]
        for phase in range(PHASES)
    ]
    step = probe.period / PHASES
    under_way = max(probe.timeout, probe.period) if fault == "stall" else 0
    assert min(kills) <= span.least + step + KILL_TAKES + under_way
    assert max(kills) >= span.most - 1 - step - under_way


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["startup", "liveness"]), st.data(), st.integers(0, 20), st.integers(0, 99))
def test_every_start_that_is_too_slow_is_killed_within_the_figures(
    kind: ProbeKind, data: st.DataObject, delay: int, seed: int
) -> None:
    """In any phase of the pod's ticker, so after restarts and back-offs, too, and with a hook."""
    drawn = data.draw(probes(kind))
    probe = Probe(
        kind, drawn.period, drawn.timeout, delay, failure_threshold=drawn.failure_threshold
    )
    hook = data.draw(st.none() | st.builds(Sleep, st.integers(0, 25)))
    rules = Rules(data.draw(st.integers(28, 37)))
    handler = {kind: data.draw(handlers)}
    container = Container("worker", (probe,), post_start=hook is not None)
    span = Timing(container, handler, post_start=hook, rules=rules).start()
    assert span is not None
    started = 0.0
    kills = 0
    script = WorkerScript(start=9999)
    simulation = Simulation(container, handler, script, post_start=hook, seed=seed, rules=rules)
    for event in simulation.run(2000):
        if event.reason == "Started":
            started = event.time
        elif event.reason == "Killing":
            kills += 1
            assert span.least <= event.time - started <= span.most + KILL_TAKES + 1e-6
    assert kills


@settings(max_examples=30, deadline=None)
@given(probes("readiness"), st.integers(0, 99), st.floats(0, 12))
def test_readiness_comes_back_within_the_figures(probe: Probe, seed: int, phase: float) -> None:
    """Counted from the moment at which checks pass again."""
    container = Container("worker", (probe,))
    span = Timing(container, {"readiness": TCP}).ready_again()
    assert span is not None
    # A start that goes on until well after the last extra check of a new container.
    passes_at = 60 + phase
    simulation = Simulation(container, {"readiness": TCP}, WorkerScript(start=passes_at), seed=seed)
    [ready] = [event.time for event in simulation.run(600) if event.reason == "Ready"]
    assert span.least <= ready - passes_at <= span.most


def test_the_queue_is_counted_as_it_was_measured() -> None:
    """The figures hold what kubelet took to kill a worker that stood still.

    A blocked asyncio server (backlog 100) lived for 104.6 s at a period of 1 s, for 1040 s at the
    default of 10 s; a backlog of 1, 2 and 4 made it 5.6, 6.7 and 8.7 s.
    """

    def killed(period: int, backlog: int) -> Span | None:
        container = Container("worker", (Probe("liveness", period),))
        return Timing(container, {"liveness": TCP}, backlog).standstill().sigterm

    measured = [(1, 100, 104.6), (10, 100, 1040), (1, 1, 5.6), (1, 2, 6.7), (1, 4, 8.7)]
    for period, backlog, seconds in measured:
        span = killed(period, backlog)
        assert span is not None
        assert span.least <= seconds <= span.most
        assert span.most - span.least == period + 1


def test_every_probe_of_a_port_fills_its_queue() -> None:
    """Readiness on the same port takes half of it; on another port it takes nothing."""
    container = Container("worker", (Probe("liveness"), Probe("readiness")))

    def standstill(readiness: Handler) -> Span | None:
        handlers: dict[ProbeKind, Handler] = {"liveness": TCP, "readiness": readiness}
        return Timing(container, handlers, backlog=9).standstill().sigterm

    assert standstill(TcpSocket(8080)) == Span(121, 132)
    assert standstill(TCP) == Span(71, 82)
    assert standstill(Exec(("check",))) == Span(121, 132)


def test_where_nothing_follows_there_are_no_figures() -> None:
    """Without a probe nothing happens, and of a command it cannot be told."""
    none = Timing(Container("worker"), {})
    assert none.start() is None
    assert none.ready_again() is None
    assert none.refusal() == none.standstill() == none.stall() == Figures(None, None, None, None)
    command = Container("worker", (Probe("liveness"), Probe("readiness")))
    both: dict[ProbeKind, Handler] = {"liveness": Exec(("check",)), "readiness": TCP}
    assert Timing(command, both).standstill() == Figures(None, None, None, None)
    assert Timing(command, both).stall() == Figures(None, None, None, None)
    readiness = Timing(Container("worker", (Probe("readiness"),)), {"readiness": TCP})
    assert readiness.refusal() == Figures(None, None, None, Span(20, 30))


def test_without_restarts_there_is_no_new_container() -> None:
    """With restartPolicy Never the pod's own grace counts, unless other containers go on."""
    container = Container("worker", (Probe("liveness", grace=5),), grace=40, restart_policy="Never")
    timing = Timing(container, {"liveness": TCP})
    assert timing.refusal().new_container is None
    assert timing.grace == 40
    assert Timing(replace(container, alone=False), {"liveness": TCP}).grace == 5


def test_a_hook_may_take_all_of_the_grace() -> None:
    """Then 2 s more are left for the rest."""
    container = Container("worker", (Probe("liveness"),), grace=20, pre_stop=True)
    hook = Exec(("drain",))
    figures = Timing(container, {"liveness": TCP}, pre_stop=hook).refusal()
    assert figures.killed == Span(20, 31)
    assert figures.sigterm == Span(20, 31 + 20)
    assert figures.new_container == Span(20, 31 + 22)


def test_a_hook_that_sleeps_comes_before_sigterm() -> None:
    """For as long as it sleeps, and at most for the grace, of which it takes its part."""
    container = Container("worker", (Probe("liveness"),), grace=20, pre_stop=True)
    figures = Timing(container, {"liveness": TCP}, pre_stop=Sleep(15)).refusal()
    assert figures.sigterm == Span(35, 46)
    assert figures.new_container == Span(35, 51)
    standstill = Timing(container, {"liveness": TCP}, 0, pre_stop=Sleep(19)).standstill()
    assert standstill.killed == Span(31, 42)
    assert standstill.new_container == Span(31 + 21, 42 + 21)
    cut = Timing(container, {"liveness": TCP}, pre_stop=Sleep(40)).refusal()
    assert cut.sigterm == Span(40, 51)


def test_before_a_hook_after_the_start_has_ended_no_probe_runs() -> None:
    """Where it sleeps that long, the start begins to count then."""
    container = Container("worker", (Probe("startup", 2, 1, 5, failure_threshold=10),))
    assert Timing(container, {"startup": TCP}).start() == Span(22, 26)
    slept = Timing(container, {"startup": TCP}, post_start=Sleep(8)).start()
    assert slept == Span(26, 29)


def test_of_a_worker_whose_queue_is_not_known_pages_alone_tell() -> None:
    """The kernel takes connections for it, nobody knows how many, but gives no page."""
    container = Container("worker", (Probe("liveness"),))
    assert Timing(container, {"liveness": TCP}, None).standstill().killed is None
    assert Timing(container, {"liveness": HttpGet(80)}, None).standstill().killed == Span(21, 32)


def test_a_restart_may_not_be_faster_than_two_seconds_of_grace() -> None:
    """Whatever the manifest says, kubelet waits that long for a worker that stands still."""
    container = Container("worker", (Probe("liveness"),), grace=0)
    figures = Timing(container, {"liveness": TCP}, backlog=0).standstill()
    assert figures.sigterm == Span(31, 42)
    assert figures.new_container == Span(33, 44)


def test_the_package_defaults_are_the_defaults() -> None:
    """Backlog and stall_timeout are those of `tcp_probe.serve`."""
    timing = Timing(Container("worker"), {})
    assert (timing.backlog, timing.stall_timeout) == (2, 10)


@pytest.mark.parametrize(
    ("handler", "probe", "backlog", "stall_timeout", "sigterm"),
    [
        # The port refuses before its queue is full, ...
        (TCP, Probe("liveness"), 5, 10, Span(30, 41)),
        # ... long after that, ...
        (TCP, Probe("liveness"), 0, 60, Span(31, 42)),
        # ... when two or three checks have timed out, ...
        (TCP, Probe("liveness"), 0, 35, Span(31, 46)),
        # ... or one, or none.
        (TCP, Probe("liveness"), 0, 15, Span(25, 46)),
        # A page is not answered from the beginning, whether the port refuses or not.
        (HttpGet(9090), Probe("liveness", 2, 3, failure_threshold=4), 5, 3, Span(5, 15)),
    ],
)
def test_a_stall_ends_in_time_outs_and_refusals(
    handler: Handler, probe: Probe, backlog: int, stall_timeout: int, sigterm: Span
) -> None:
    """Whichever comes first fails the checks, and both may count."""
    timing = Timing(Container("worker", (probe,)), {"liveness": handler}, backlog, stall_timeout)
    assert timing.stall().sigterm == sigterm

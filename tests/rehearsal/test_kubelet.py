from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Any

import pytest

from tcp_probe.rehearsal.kubelet import (
    Container,
    Event,
    Kill,
    Kubelet,
    Outcome,
    Probe,
    ProbeKind,
    RunCheck,
    RunPreStop,
    StartContainer,
    Step,
    Terminate,
)

PASSED = Outcome(success=True)
FAILED = Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused")


class Play:
    """A kubelet whose checks end at once, with the outcome that is set for each probe."""

    def __init__(self, *probes: Probe, **container: Any) -> None:
        self.kubelet = Kubelet(Container("worker", probes, **container))
        self.now = 0.0
        self.outcomes: dict[ProbeKind, Outcome] = {}
        self.steps: list[Step] = []
        self.checks: list[tuple[ProbeKind, float]] = []
        self.take(self.kubelet.start(0.0))

    def take(self, steps: list[Step]) -> None:
        for step in steps:
            self.steps.append(step)
            if isinstance(step, StartContainer):
                self.take(self.kubelet.started(self.now))
            elif isinstance(step, RunCheck):
                kind = step.probe.kind
                self.checks.append((kind, round(self.now, 3)))
                outcome = self.outcomes.get(kind, PASSED)
                self.take(self.kubelet.checked(self.now, kind, outcome))

    def until(self, time: float) -> None:
        while self.kubelet.next_wake <= time:
            self.now = self.kubelet.next_wake
            self.take(self.kubelet.wake(self.now))
        self.now = time

    def exits(self, code: int = 0) -> None:
        self.take(self.kubelet.exited(self.now, code))

    def events(self, *reasons: str) -> list[Event]:
        events = [step for step in self.steps if isinstance(step, Event)]
        return [event for event in events if not reasons or event.reason in reasons]

    def times(self, kind: ProbeKind) -> list[float]:
        return [time for checked, time in self.checks if checked == kind]

    def found(self, kind: type[Step]) -> list[Any]:
        return [step for step in self.steps if isinstance(step, kind)]


def test_checks_come_once_a_period() -> None:
    """The tickers run from 0.4 s before the first start on, as recorded."""
    play = Play(Probe("liveness", period=2))
    play.until(8)
    assert play.times("liveness") == [1.6, 3.6, 5.6, 7.6]


def test_the_initial_delay_skips_checks_and_shifts_none() -> None:
    """A check before that age is left out; the next one comes with its own tick."""
    play = Play(Probe("liveness", period=5, initial_delay=6))
    play.until(16)
    assert play.times("liveness") == [9.6, 14.6]


def test_a_restart_does_not_shift_the_ticks() -> None:
    """The ticker belongs to the pod: after a restart checks go on in the old phase."""
    play = Play(Probe("liveness", period=4))
    play.until(5.1)
    play.exits(code=1)
    play.until(16)
    assert play.kubelet.restarts == 1
    assert play.times("liveness") == [3.6, 7.6, 11.6, 15.6]


def test_liveness_and_readiness_wait_for_startup() -> None:
    """Until the startup probe has succeeded nothing else is checked; then it is not any more."""
    play = Play(Probe("startup", period=1), Probe("liveness", period=1), Probe("readiness"))
    play.outcomes["startup"] = FAILED
    play.until(2)
    assert play.checks == [("startup", 0.6), ("startup", 1.6)]
    assert not play.kubelet.ready
    play.outcomes["startup"] = PASSED
    play.until(4)
    assert play.times("startup") == [0.6, 1.6, 2.6]
    assert play.times("liveness") == [3.6]
    assert play.times("readiness") == [2.6]
    assert play.kubelet.ready


def test_failures_in_a_row_kill() -> None:
    """After failureThreshold failures in a row the container gets SIGTERM, and no more checks."""
    play = Play(Probe("liveness", period=1, failure_threshold=3), grace=20)
    play.outcomes["liveness"] = FAILED
    play.until(2)
    play.outcomes["liveness"] = PASSED
    play.until(3)
    play.outcomes["liveness"] = FAILED
    play.until(10)
    assert play.times("liveness") == [0.6, 1.6, 2.6, 3.6, 4.6, 5.6]
    [killing] = play.events("Killing")
    assert killing.time == pytest.approx(5.61)
    assert killing.message == "Container worker failed liveness probe, will be restarted"
    assert play.found(Terminate) == [Terminate(20)]


def test_a_failed_startup_probe_kills() -> None:
    """It does so in its own name and with its own grace."""
    play = Play(Probe("startup", period=1, failure_threshold=2, grace=7), grace=20)
    play.outcomes["startup"] = FAILED
    play.until(3)
    assert play.events("Killing")[0].message.startswith("Container worker failed startup probe")
    assert play.found(Terminate) == [Terminate(7)]


def test_sigkill_follows_when_the_grace_is_over() -> None:
    """A container that does not end after SIGTERM gets SIGKILL."""
    play = Play(Probe("liveness", period=1, failure_threshold=1, grace=5), grace=20)
    play.outcomes["liveness"] = FAILED
    play.until(2)
    [killing] = play.events("Killing")
    play.until(killing.time + 4.9)
    assert play.found(Kill) == []
    play.until(killing.time + 5.1)
    assert play.found(Kill) == [Kill()]


def test_the_grace_is_never_under_two_seconds() -> None:
    """A container gets 2 s, also where the manifest says less."""
    play = Play(Probe("liveness", period=1, failure_threshold=1), grace=0)
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.found(Terminate) == [Terminate(2)]


def test_a_hook_runs_before_sigterm_within_the_grace() -> None:
    """SIGTERM comes when the hook has ended; what it took is taken from the grace."""
    play = Play(Probe("liveness", period=1, failure_threshold=1), grace=10, pre_stop=True)
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.found(RunPreStop) == [RunPreStop(10)]
    assert play.found(Terminate) == []
    play.now = play.events("Killing")[0].time + 3
    play.take(play.kubelet.pre_stopped(play.now))
    assert [round(step.grace, 3) for step in play.found(Terminate)] == [7]


def test_a_hook_that_takes_too_long_is_not_waited_for() -> None:
    """At the end of the grace SIGTERM comes all the same, and 2 s are left."""
    play = Play(Probe("liveness", period=1, failure_threshold=1), grace=10, pre_stop=True)
    play.outcomes["liveness"] = FAILED
    play.until(12)
    assert play.found(Terminate) == [Terminate(2)]
    play.take(play.kubelet.pre_stopped(12))
    assert play.found(Terminate) == [Terminate(2)]


def test_readiness_changes_and_kills_nothing() -> None:
    """It follows its own thresholds in both directions."""
    play = Play(Probe("readiness", period=1, failure_threshold=2, success_threshold=3))
    play.until(5)
    play.outcomes["readiness"] = FAILED
    play.until(9)
    changes = [event.reason for event in play.events("Ready", "NotReady", "Killing")]
    assert changes == ["Ready", "NotReady"]
    assert len(play.events("Unhealthy")) >= 4


def test_a_lost_readiness_is_checked_once_more_at_once() -> None:
    """With the change kubelet looks at the pod, which triggers a check out of turn."""
    play = Play(Probe("readiness", period=4, failure_threshold=1))
    play.until(6)
    play.outcomes["readiness"] = FAILED
    play.until(20)
    [lost] = play.events("NotReady")
    after = [time for time in play.times("readiness") if time >= round(lost.time, 3)]
    assert after[0] == after[1]
    assert [round(b - a, 3) for a, b in pairwise(after[1:])] == [4, 4, 4]


def test_without_a_readiness_probe_a_started_container_is_ready() -> None:
    """Ready and not ready follow the start and the exit."""
    play = Play()
    play.until(1)
    assert play.kubelet.ready
    play.exits()
    assert [event.reason for event in play.events()] == ["Started", "Ready", "Exited", "NotReady"]
    assert not play.kubelet.ready


def test_a_container_that_ends_by_itself_backs_off_from_its_second_exit() -> None:
    """The first restart comes within a second, the second after 10 s and up to 15 s more."""
    play = Play()
    play.until(100)
    play.exits(code=1)
    play.until(101)
    assert play.kubelet.restarts == 1
    play.exits(code=1)
    play.until(102)
    assert [event.message for event in play.events("BackOff")] == [
        "Back-off 10s restarting failed container worker"
    ]
    assert play.kubelet.status == "CrashLoopBackOff"
    play.until(111)
    assert play.kubelet.restarts == 1
    play.until(101 + 10 + 15)
    assert play.kubelet.restarts == 2
    assert play.kubelet.status == "Running"


def test_a_killed_container_restarts_at_once_three_times() -> None:
    """Its back-off is measured from the exit before, which is why it begins with the fourth."""
    play = Play(Probe("liveness", period=5, failure_threshold=2))
    play.outcomes["liveness"] = FAILED
    at_once = []
    for _ in range(4):
        kills = len(play.events("Killing"))
        while len(play.events("Killing")) == kills:
            play.until(play.now + 1)
        play.exits(code=143)
        play.until(play.now + 2)
        at_once.append(play.kubelet.running)
    assert at_once == [True, True, True, False]
    # kubelet says so once with the kill, and again when it has seen the exit.
    assert [event.message for event in play.events("BackOff")] == [
        "Back-off 20s restarting failed container worker"
    ] * 2


@pytest.mark.parametrize(
    ("policy", "code", "restarts", "status"),
    [
        ("Always", 0, 1, "Completed"),
        ("OnFailure", 0, 0, "Completed"),
        ("OnFailure", 1, 1, "Error"),
        ("Never", 0, 0, "Completed"),
        ("Never", 1, 0, "Error"),
    ],
)
def test_the_restart_policy_decides_after_an_exit(
    policy: str, code: int, restarts: int, status: str
) -> None:
    """OnFailure restarts after a code other than 0, Never not at all."""
    play = Play(restart_policy=policy)
    play.until(1)
    play.exits(code)
    assert play.kubelet.finished is (restarts == 0)
    assert play.kubelet.status == status
    assert play.kubelet.exit_code == code
    play.until(3)
    assert play.kubelet.restarts == restarts


def test_with_never_a_failed_probe_stops_the_pod() -> None:
    """The message is that of the whole pod, and so is the grace."""
    play = Play(
        Probe("liveness", period=1, failure_threshold=1, grace=5), restart_policy="Never", grace=9
    )
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.events("Killing")[0].message == "Stopping container worker"
    assert play.found(Terminate) == [Terminate(9)]
    play.exits(code=137)
    assert play.kubelet.finished
    assert play.kubelet.next_wake == inf


def test_with_never_a_failed_probe_beside_other_containers_stops_its_own() -> None:
    """The others go on, so the container is killed in its own name and not restarted."""
    play = Play(
        Probe("liveness", period=1, failure_threshold=1, grace=5),
        restart_policy="Never",
        alone=False,
    )
    play.outcomes["liveness"] = FAILED
    play.until(1)
    assert play.events("Killing")[0].message == "Container worker failed liveness probe"
    assert play.found(Terminate) == [Terminate(5)]


def test_on_failure_a_clean_end_after_a_kill_is_final_once_kubelet_has_seen_it() -> None:
    """A kill restarts at once whatever the code; in a back-off the code is looked at again."""
    play = Play(Probe("liveness", period=2, failure_threshold=1), restart_policy="OnFailure")
    play.outcomes["liveness"] = FAILED
    while not play.events("BackOff"):
        play.until(play.now + 0.5)
        if play.kubelet.running and len(play.events("Killing")) > len(play.events("Exited")):
            play.exits(code=0)
    assert play.kubelet.finished
    assert play.kubelet.status == "Completed"


def test_a_check_that_errors_counts_as_nothing() -> None:
    """It is reported, and neither fails the probe nor ends a row of failures."""
    play = Play(Probe("liveness", period=1, failure_threshold=2))
    play.outcomes["liveness"] = Outcome(success=None, message='exec: "nope": not found')
    play.until(10)
    assert play.events("Killing") == []
    assert play.events("Unhealthy")[0].message == (
        'Liveness probe errored and resulted in unknown state: exec: "nope": not found'
    )
    play.outcomes["liveness"] = FAILED
    play.until(11)
    play.outcomes["liveness"] = Outcome(success=None)
    play.until(12)
    play.outcomes["liveness"] = FAILED
    play.until(13)
    assert len(play.events("Killing")) == 1


def test_a_check_may_pass_with_a_warning() -> None:
    """A redirect to another host is a success that kubelet remarks on."""
    play = Play(Probe("liveness", period=1))
    play.outcomes["liveness"] = Outcome(success=True, message="Probe terminated redirects")
    play.until(1)
    [warning] = play.events("ProbeWarning")
    assert warning.message == "Liveness probe warning: Probe terminated redirects"


def test_a_row_of_failures_goes_on_over_a_restart() -> None:
    """The count does not begin anew with a container that ended by itself."""
    play = Play(Probe("liveness", period=2, failure_threshold=2))
    play.outcomes["liveness"] = FAILED
    play.until(2)
    play.exits(code=1)
    play.until(4)
    assert play.kubelet.restarts == 1
    assert [round(event.time, 3) for event in play.events("Killing")] == [3.61]


def test_only_one_check_of_a_probe_runs_at_a_time() -> None:
    """Ticks during a long check are dropped but for one, which is made up for at its end."""
    kubelet = Kubelet(Container("worker", (Probe("liveness", period=1, timeout=5),)))
    kubelet.start(0.0)
    kubelet.started(0.0)
    kubelet.wake(1.0)
    for now in (1.6, 2.6, 3.6):
        assert kubelet.wake(now) == []
    assert len(kubelet.checked(3.7, "liveness", PASSED)) == 1
    assert kubelet.checked(3.8, "liveness", PASSED) == []
    assert kubelet.next_wake == pytest.approx(4.6)


def test_the_late_answer_of_an_old_container_does_not_kill_the_new_one() -> None:
    """A check that began before a restart counts in the row, but fails nothing."""
    probe = Probe("liveness", period=1, timeout=5, failure_threshold=1)
    kubelet = Kubelet(Container("worker", (probe,)))
    kubelet.start(0.0)
    kubelet.started(0.0)
    assert len(kubelet.wake(0.6)) == 1
    kubelet.exited(0.7, 1)
    kubelet.checked(0.8, "liveness", FAILED)
    assert kubelet.wake(0.9) == []
    kubelet.wake(2.0)
    kubelet.started(2.0)
    assert len(kubelet.wake(2.6)) == 1
    kubelet.exited(2.7, 1)
    while not any(isinstance(step, StartContainer) for step in kubelet.wake(kubelet.next_wake)):
        pass
    kubelet.started(40.0)
    kubelet.checked(40.1, "liveness", FAILED)
    assert kubelet.wake(40.3) == []
    [check] = kubelet.wake(40.6)
    assert isinstance(check, RunCheck)


def test_a_container_that_ends_before_the_kill_is_restarted_only_once() -> None:
    """Between the failed probe and SIGTERM it may end by itself: there is nothing to kill then."""
    play = Play(Probe("liveness", period=1, failure_threshold=1))
    play.outcomes["liveness"] = FAILED
    play.until(0.6)
    play.exits(code=1)
    play.outcomes["liveness"] = PASSED
    play.until(5)
    assert play.events("Killing") == []
    assert play.kubelet.restarts == 1


def test_a_readiness_lost_during_the_grace_is_reported() -> None:
    """Readiness goes on while the container is being stopped; liveness does not."""
    play = Play(
        Probe("liveness", period=1, failure_threshold=1),
        Probe("readiness", period=1, failure_threshold=1),
        grace=10,
    )
    play.until(5)
    play.outcomes["liveness"] = FAILED
    play.until(6.5)
    assert len(play.events("Killing")) == 1
    assert play.kubelet.ready
    play.outcomes["readiness"] = FAILED
    play.until(9)
    assert not play.kubelet.ready
    assert len(play.times("liveness")) == 6


def test_before_the_first_start_the_container_is_being_created() -> None:
    """That is what STATUS says until there is an instance."""
    assert Kubelet(Container("worker")).status == "ContainerCreating"

"""Failures of a container that kubelet counts against the one after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 10}}
REFUSED = "Liveness probe failed: dial tcp 10.0.0.1:9090: connect: connection refused"
KILLING = "Container app failed liveness probe, will be restarted"


def said(verdicts: list[Verdict]) -> tuple[str, str]:
    (verdict,) = verdicts
    return verdict.cause, verdict.certainty


@pytest.mark.parametrize(("code", "reason"), [(0, "Completed"), (1, "Error"), (137, "Error")])
def test_a_kill_that_is_told_is_believed_however_short_the_life_was(  # noqa: PLR0913, PLR0917
    code: int, reason: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """One more failure was enough: the others were of the container before."""
    made = pod(last=ended(code, reason, start=20, end=27), restarts=2, container=LIVENESS)
    told = [
        event("Killing", KILLING, 26, warning=False),
        event("Unhealthy", REFUSED, 26, first=16, count=3),
    ]
    assert said(verdicts(made, told)) == ("liveness", "certain")


def test_a_kill_of_the_container_before_is_not_taken_for_one_of_this(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """It came before this one started, which then ended by itself."""
    made = pod(last=ended(1, start=31, end=33), restarts=2, container=LIVENESS)
    told = [event("Killing", KILLING, 30, warning=False)]
    assert said(verdicts(made, told)) == ("exit", "likely")


@pytest.mark.parametrize(("code", "cause"), [(0, "completed"), (1, "exit")])
@pytest.mark.parametrize(
    ("restarts", "delay", "certainty"), [(1, 0, "certain"), (2, 0, "likely"), (2, 30, "certain")]
)
def test_a_short_life_speaks_against_a_kill_where_nothing_can_be_carried_over(  # noqa: PLR0913, PLR0917
    restarts: int,
    delay: int,
    certainty: str,
    code: int,
    cause: str,
    pod: Pod,
    ended: Make,
    verdicts: Verdicts,
) -> None:
    """There was no container before it, or no probe runs so soon."""
    probe = {**LIVENESS["livenessProbe"], "initialDelaySeconds": delay}
    made = pod(
        last=ended(code, start=20, end=27), restarts=restarts, container={"livenessProbe": probe}
    )
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.certainty) == (cause, certainty)
    unsure = "unless checks had failed before" in verdict.evidence[1]
    assert unsure == (certainty == "likely")


@pytest.mark.parametrize(
    ("first", "last", "cause"), [(38, 58, "liveness"), (18, 58, "exit"), (5, 25, "exit")]
)
def test_a_code_of_its_own_on_sigterm_is_told_from_an_end_by_itself(  # noqa: PLR0913, PLR0917
    first: int, last: int, cause: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """As many failures as it takes, one after the other, are followed by a kill."""
    made = pod(last=ended(1, start=10, end=60), restarts=1, container=LIVENESS)
    told = [event("Unhealthy", REFUSED, last, first=first, count=3)]
    assert said(verdicts(made, told)) == (cause, "likely")


@pytest.mark.parametrize(
    ("code", "kills", "said_of_it"),
    [
        (137, 3, ("liveness", "certain")),
        (137, 2, ("liveness", "possible")),
        (7, 2, ("exit", "likely")),
    ],
)
def test_a_kill_in_the_second_of_a_start_may_be_of_the_container_before(  # noqa: PLR0913, PLR0917
    code: int,
    kills: int,
    said_of_it: tuple[str, str],
    pod: Pod,
    ended: Make,
    event: Make,
    verdicts: Verdicts,
) -> None:
    """Unless each of its lives ended so."""
    made = pod(last=ended(code, start=26, end=27), restarts=2, container=LIVENESS)
    told = [event("Killing", KILLING, 26, first=5, count=kills, warning=False)]
    assert said(verdicts(made, told)) == said_of_it


def test_a_kill_after_the_end_of_the_container_before_is_of_this_one(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """The times of both are kept as long as it has not been started again."""
    made = pod(
        ended(1, start=26, end=27), ended(1, start=0, end=16), restarts=1, container=LIVENESS
    )
    told = [event("Killing", KILLING, 26, warning=False)]
    assert said(verdicts(made, told)) == ("liveness", "certain")


def test_a_check_that_failed_after_the_end_is_no_reason_for_it(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Nobody answered any more."""
    probe = {"livenessProbe": {**LIVENESS["livenessProbe"], "failureThreshold": 1}}
    made = pod(last=ended(7, start=10, end=60), restarts=1, container=probe)
    assert said(verdicts(made, [event("Unhealthy", REFUSED, 61)])) == ("exit", "likely")
    assert said(verdicts(made, [event("Unhealthy", REFUSED, 60)])) == ("liveness", "likely")


def test_failures_with_passes_between_them_need_not_have_killed(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Seven in two minutes, where there were twelve checks."""
    made = pod(last=ended(0, start=0, end=130), restarts=1, container=LIVENESS)
    told = [event("Unhealthy", REFUSED, 130, first=10, count=7)]
    assert said(verdicts(made, told)) == ("liveness", "possible")


def test_a_restart_after_a_clean_end_is_a_kill_where_only_failures_restart(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Whatever events came and did not come."""
    policy = {"restartPolicy": "OnFailure"}
    made = pod(last=ended(0, "Completed"), restarts=1, container=LIVENESS, spec=policy)
    started = event("Started", "", 61, first=10, count=2, warning=False)
    assert said(verdicts(made, [started])) == ("liveness", "likely")


def test_a_check_that_failed_right_before_the_end_makes_an_exit_less_sure(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """The back-off is that of ends by itself, but this end may be another."""
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}
    made = pod({"waiting": waiting}, ended(7), restarts=3, container=LIVENESS)
    assert said(verdicts(made, [event("BackOff", "")])) == ("exit", "certain")
    assert said(verdicts(made, [event("Unhealthy", REFUSED, 59)])) == ("exit", "likely")


def test_a_pod_that_succeeded_after_a_kill_is_not_surely_well(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """It waits for a restart that does not come: a kill with a clean end counts as a success."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    made = pod(
        waiting,
        ended(0, "Completed", start=20, end=27),
        restarts=1,
        container=LIVENESS,
        spec={"restartPolicy": "OnFailure"},
        status={"phase": "Succeeded"},
    )
    assert said(verdicts(made)) == ("none", "likely")

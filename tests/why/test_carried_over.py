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

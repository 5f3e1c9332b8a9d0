from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 9090}, "periodSeconds": 10}}
REFUSED = "dial tcp 10.0.0.1:9090: connect: connection refused"


def test_a_kill_of_the_only_container_that_is_not_restarted_is_told(
    pod: Pod, ended: Make, event: Make, said: Said, verdicts: Verdicts
) -> None:
    """Kubelet says `Stopping` then, as at any end of a pod: the failures before it tell."""
    over = {"restartPolicy": "Never"}
    made = pod(ended(0), spec=over, status={"phase": "Succeeded"}, container=LIVENESS)
    stop = event("Killing", "Stopping container app", warning=False)
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", first=40, count=3)
    (verdict,) = verdicts(made, [failed, stop])
    assert (verdict.cause, verdict.certainty) == ("liveness", "certain")
    assert verdict.summary.endswith("and so counts as complete")
    assert said(made, [stop], "")[0] == "none"


def test_a_kill_of_the_only_container_that_is_under_way_is_told(
    pod: Pod, event: Make, said: Said, verdicts: Verdicts
) -> None:
    """Failures as many as it takes, and `Stopping` with the last of them."""
    over = {"restartPolicy": "Never"}
    stop = event("Killing", "Stopping container app", warning=False)
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", first=40, count=3)
    made = pod(spec=over, container=LIVENESS)
    (verdict,) = verdicts(made, [failed, stop])
    assert (verdict.cause, verdict.check, verdict.certainty) == ("liveness", "refused", "likely")
    few = {**failed, "count": 2}
    assert said(made, [few, stop])[0] == "deleted"


def test_a_kill_that_is_under_way_is_told(
    pod: Pod, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """SIGTERM was sent, and the container has not ended yet."""
    (verdict,) = verdicts(pod(container=LIVENESS), killed())
    assert (verdict.cause, verdict.certainty) == ("liveness", "likely")
    assert verdict.summary.startswith("is being killed by its liveness probe")


def test_a_kill_whose_end_the_api_has_lost_is_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], said: Said, verdicts: Verdicts
) -> None:
    """Only the event tells of it; an older one belongs to another end."""
    lost = pod(CRASHING, restarts=2, container=LIVENESS)
    (verdict,) = verdicts(lost, killed())
    assert (verdict.cause, verdict.certainty) == ("liveness", "likely")
    assert verdict.summary.startswith("killed by")
    older = pod(CRASHING, ended(1, start=500, end=600), restarts=2, container=LIVENESS)
    assert said(older, killed())[0] == "exit"


def test_kills_that_were_counted_together_are_each_a_kill(
    pod: Pod, ended: Make, killed: Callable[..., Any], said: Said
) -> None:
    """Certain where each end was one: as many as restarts, and one more; else likely."""
    events = killed(last=300, count=5)
    events[1]["firstTimestamp"] = "2026-11-24T08:00:30Z"
    made = pod(CRASHING, ended(143, start=100, end=200), restarts=4, container=LIVENESS)
    assert said(made, events)[1] == "certain"
    made["status"]["containerStatuses"][0]["restartCount"] = 9
    assert said(made, events)[1] == "likely"


def test_a_kill_of_the_container_before_is_not_taken(
    pod: Pod, ended: Make, killed: Callable[..., Any], said: Said
) -> None:
    """The next one ended by itself, within the grace of that kill."""
    made = pod(CRASHING, ended(1, start=61, end=83), restarts=2, container=LIVENESS)
    assert said(made, killed())[0] == "exit"


def test_times_that_do_not_fit_the_spec_are_told(
    pod: Pod, ended: Make, killed: Callable[..., Any], verdicts: Verdicts
) -> None:
    """Checks passed in between, took longer, or the node was busy."""
    made = pod(CRASHING, ended(143, start=0), restarts=1, container=LIVENESS)
    events = killed()
    assert any("as 3 failures, 10 s apart, take" in x for x in verdicts(made, events)[0].evidence)
    events[0]["firstTimestamp"] = "2026-11-24T08:00:01Z"
    assert any(
        "killed 59 s after the first failure, which" in x
        for x in verdicts(made, events)[0].evidence
    )
    events[0]["firstTimestamp"] = "2026-11-24T08:03:00Z"
    assert not any("first failure" in x for x in verdicts(made, events)[0].evidence)


@pytest.mark.parametrize(("normal", "words"), [(2, "proves nothing"), (25, "25 events")])
def test_no_killing_proves_nothing(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    normal: int, words: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Failures as many as it takes tell of a kill whose event was dropped."""
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", first=10, count=9)
    other = event("Pulled", "image", 11, count=normal, warning=False)
    made = pod(CRASHING, ended(137, start=0), restarts=8, container=LIVENESS)
    (verdict,) = verdicts(made, [failed, other])
    assert (verdict.cause, verdict.certainty) == ("liveness", "likely")
    assert any(words in line for line in verdict.evidence)


@pytest.mark.parametrize(
    ("code", "count", "first", "last", "told"),
    [
        (1, 9, 10, 60, ("exit", "likely")),
        (137, 2, 50, 60, ("liveness", "possible")),
        (137, 3, 1, 9, ("liveness", "possible")),
    ],
)
def test_failures_that_do_not_fit_the_end_tell_of_no_kill(  # noqa: PLR0913, PLR0917 (a row, fixtures)
    code: int,
    count: int,
    first: int,
    last: int,
    told: tuple[str, str],
    pod: Pod,
    ended: Make,
    event: Make,
    said: Said,
) -> None:
    """Another exit code, too few of them, or long before: what is told is what remains."""
    message = f"Liveness probe failed: {REFUSED}"
    failed = event("Unhealthy", message, last, first=first, count=count)
    made = pod(CRASHING, ended(code, start=0, end=99), restarts=8, container=LIVENESS)
    assert said(made, [failed]) == told


def test_an_end_at_an_unknown_time_is_not_told_from_failures(
    pod: Pod, ended: Make, event: Make, said: Said
) -> None:
    """Without a time nothing fits."""
    last = ended(137)
    del last["terminated"]["finishedAt"]
    failed = event("Unhealthy", f"Liveness probe failed: {REFUSED}", count=9)
    kill = event("Killing", "Container app failed liveness probe", count=2, warning=False)
    for each in (failed, kill):
        del each["firstTimestamp"], each["lastTimestamp"]
    made = pod(CRASHING, last, restarts=8, container=LIVENESS)
    assert said(made, [failed, kill])[1] == "possible"

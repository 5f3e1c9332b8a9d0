"""Times that no cluster has, in a file that says that it is from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

LIVENESS = {"livenessProbe": {"tcpSocket": {"port": 9090}}}
KILLING = "Container app failed liveness probe, will be restarted"


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "yesterday"]
)
def test_a_time_that_cannot_be_is_none(
    time: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Go writes no time as that of the year 1."""
    last = ended(137)
    last["terminated"]["finishedAt"] = time
    told = [event("Killing", KILLING, 60, warning=False)]
    (verdict,) = verdicts(pod(last=last, restarts=1, container=LIVENESS), told)
    assert verdict.cause == "liveness"
    assert verdict.last is None or verdict.last.year == 2026
    assert "an unknown time" in verdict.evidence[0]

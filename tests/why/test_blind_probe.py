from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

TCP = {"tcpSocket": {"port": 9090}, "periodSeconds": 10, "failureThreshold": 3}
HTTP = {"httpGet": {"path": "/", "port": 80}}
EXEC = {"exec": {"command": ["a"]}}
NO_COMMAND = 'exec: "a": executable file not found in $PATH: unknown'


def test_a_port_without_that_name_is_told(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """The spec alone is enough; a readiness probe can never pass then."""
    asks = {**TCP, "tcpSocket": {"port": "nosuch"}}
    (verdict,) = verdicts(pod(container={"livenessProbe": asks}))
    assert (verdict.cause, verdict.certainty) == ("probe", "certain")
    assert "the liveness probe sees nothing" in verdict.summary
    told = "Readiness probe errored and resulted in unknown state: strconv.Atoi: invalid syntax"
    ports = {"ports": [{"name": "web", "containerPort": 80}]}
    made = pod(container={"readinessProbe": asks, **ports})
    (verdict,) = verdicts(made, [event("Unhealthy", told, count=9)])
    assert "the readiness probe can never pass" in verdict.summary
    assert any("strconv" in line for line in verdict.evidence)


def test_a_port_by_its_name_or_as_digits_is_found(pod: Pod, said: Said) -> None:
    """Nothing is wrong with either."""
    ports = {"ports": [{"name": "live", "containerPort": 9090}]}
    for port in ("live", "9090"):
        made = pod(container={**ports, "livenessProbe": {**TCP, "tcpSocket": {"port": port}}})
        assert said(made, [], "") == ("none", "certain")


ERRORED = "Liveness probe errored and resulted in unknown state: rpc error: "


@pytest.mark.parametrize(
    ("probe", "message", "count", "told"),
    [
        (EXEC, NO_COMMAND, 1, True),
        (EXEC, "code = Unavailable", 9, True),
        (EXEC, "code = Unavailable", 1, False),
        (EXEC, "container is in CONTAINER_EXITED state", 9, False),
        (HTTP, "deadline exceeded while reading body)", 9, True),
        (HTTP, "something new", 9, True),
    ],
)
def test_checks_that_error_are_told(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    probe: dict[str, Any],
    message: str,
    count: int,
    told: object,
    pod: Pod,
    event: Make,
    verdicts: Verdicts,
) -> None:
    """They count for nothing; one alone, or at the end of a container, is none."""
    errored = event("Unhealthy", ERRORED + message, count=count)
    (verdict,) = verdicts(pod(container={"livenessProbe": probe}), [errored])
    assert (verdict.cause == "probe") is told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sh", "-c", "sleep 1000; true"], True),
        (["/bin/bash", "-c", "sleep 0.5; true"], False),
        (["sh", "-c", "exec sleep 1000"], False),
        (["sh", "-c"], False),
        (["sleep", "-c", "1000"], False),
    ],
)
def test_a_shell_that_outlives_its_timeout_is_told(
    command: list[str], told: object, pod: Pod, event: Make, said: Said
) -> None:
    """Kubelet waits for its child meanwhile; where a check failed it is not so."""
    probe = {"exec": {"command": command}, "timeoutSeconds": 1}
    made = pod(container={"livenessProbe": probe})
    assert (said(made)[0] == "probe") is told
    failed = event("Unhealthy", "Liveness probe failed: command timed out")
    assert said(made, [failed], "")[0] == "none"

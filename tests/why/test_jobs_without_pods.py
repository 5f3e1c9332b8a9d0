"""What a Job says of itself where none of its pods is left."""

from __future__ import annotations

from typing import Any

import pytest

from tcp_probe.why.jobs import judge_job
from tcp_probe.why.verdict import Verdict

POLICY = (
    "Container app for pod prod/work-x failed with exit code {} matching FailJob rule at index 0"
)


def judged(*conditions: tuple[str, str, str], container: dict[str, Any] | None = None) -> Verdict:
    held = [
        {"type": type_, "status": "True", "reason": reason, "message": message}
        for type_, reason, message in conditions
    ]
    app = {"name": "app", **(container or {})}
    ((name, verdict),) = judge_job(
        {
            "metadata": {"name": "work", "namespace": "prod", "uid": "j1"},
            "spec": {"template": {"spec": {"containers": [app]}}},
            "status": {"conditions": held},
        },
        [],
    )
    assert name == "work"
    return verdict


def test_a_suspended_job_has_not_failed() -> None:
    """It has no pods because nobody wants it to run."""
    verdict = judged(("Suspended", "JobSuspended", "Job suspended"))
    assert (verdict.cause, verdict.certainty) == ("none", "likely")
    assert "Job work is Suspended (JobSuspended)" in verdict.evidence[0]


def test_a_job_that_has_not_ended_has_not_failed() -> None:
    """It may just begin, or wait for pods that cannot be made."""
    verdict = judged()
    assert (verdict.cause, verdict.certainty) == ("unknown", "possible")
    assert "neither failed nor ended" in verdict.summary


@pytest.mark.parametrize(
    ("code", "container", "expected"),
    [
        (42, {}, ("exit", "certain")),
        (42, {"livenessProbe": {"tcpSocket": {"port": 1}}}, ("exit", "likely")),
        (137, {}, ("signal", "likely")),
    ],
)
def test_a_policy_for_failures_tells_the_exit_code(
    code: int, container: dict[str, Any], expected: tuple[str, str]
) -> None:
    """The Job says which container ended and how."""
    told = ("Failed", "PodFailurePolicy", POLICY.format(code))
    verdict = judged(told, container=container)
    assert (verdict.cause, verdict.certainty) == expected
    assert f"app ended with exit code {code}" in verdict.summary
    assert verdict.container == "app"

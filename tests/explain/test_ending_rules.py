from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding

Found = Callable[..., dict[str, Finding]]

Pod = Callable[..., dict[str, Any]]


def test_the_grace_of_the_pod_counts_too(found: Found) -> None:
    """It is what a rolling update gives the worker; a sleeping hook takes its part of it."""
    finding = found({"terminationGracePeriodSeconds": 10}, ends=11)["short-grace"]
    assert finding.field == "spec.terminationGracePeriodSeconds"
    sleep = {"preStop": {"sleep": {"seconds": 25}}}
    finding = found(lifecycle=sleep, ends=11)["short-grace"]
    assert (finding.field, finding.fix) == ("spec", "terminationGracePeriodSeconds: 36 or more")
    drain = {"preStop": {"exec": {"command": ["drain"]}}}
    assert "short-grace" not in found(lifecycle=drain, ends=11)
    assert "short-grace" not in found({"terminationGracePeriodSeconds": 10}, ends=10)


def test_of_a_worker_that_nothing_is_known_of_only_no_time_at_all_is_found(found: Found) -> None:
    """How long it needs to end is its own affair, unless it uses Claude, whose CLI takes 11 s."""
    assert "short-grace" not in found({"terminationGracePeriodSeconds": 1})
    finding = found({"terminationGracePeriodSeconds": 0})["short-grace"]
    assert "0 s from SIGTERM to SIGKILL; a clean end needs some" in finding.reason
    key = {"name": "ANTHROPIC_API_KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    finding = found({"terminationGracePeriodSeconds": 10}, env=[key])["short-grace"]
    assert "a clean end needs 11 s" in finding.reason


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_probe_that_turns_a_hang_into_success_is_found(policy: str, found: Found) -> None:
    """A worker that ends with 0 when it is killed counts as done where it is not restarted."""
    finding = found({"restartPolicy": policy})["turned-into-success"]
    assert "the Pod counts as Succeeded, its work undone" in finding.reason
    assert "turned-into-success" not in found()
    unprobed = found({"restartPolicy": policy}, startupProbe=None, livenessProbe=None)
    assert "turned-into-success" not in unprobed


def test_a_job_that_would_become_complete_is_found(
    found_in: Callable[..., dict[str, dict[str, Finding]]], pod: Pod, good: dict[str, Any]
) -> None:
    """Its hang is then taken for success by whoever waits for it."""
    spec = {**pod(**good)["spec"], "restartPolicy": "Never"}
    job = {"kind": "Job", "spec": {"template": {"spec": spec}}}
    finding = found_in(job)["worker"]["turned-into-success"]
    assert "the Job counts as Complete" in finding.reason


def test_a_pod_with_a_deadline_is_found(found: Found) -> None:
    """Well or not, it ends then."""
    assert "60 s after its start" in found({"activeDeadlineSeconds": 60})["pod-deadline"].reason
    assert "pod-deadline" not in found()


def test_a_container_that_is_not_restarted_may_end(found: Found) -> None:
    """That is what it is for."""
    assert "ends-by-itself" not in found({"restartPolicy": "Never"}, command=["echo"])

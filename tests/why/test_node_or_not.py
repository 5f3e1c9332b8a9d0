"""What looks like the node's doing, and is not, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

GONE = {"deletionTimestamp": "2026-11-24T08:01:30Z"}


def disrupted(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    target = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    return {"conditions": [target, {"type": "Ready", "status": "False"}], **more}


def said(verdicts: list[Verdict]) -> tuple[str, str]:
    (verdict,) = verdicts
    return verdict.cause, verdict.certainty


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: labels changed"),
        ("TopologyAffinityError", "Pod was rejected: Resources cannot be allocated"),
        ("SysctlForbidden", "Pod was rejected: forbidden sysctl: net.core.somaxconn"),
        ("NodePorts", "Pod was rejected: Predicate NodePorts failed"),
        ("NodeAffinity", ""),
    ],
)
def test_a_node_that_refuses_a_pod_is_not_lost(
    reason: str, message: str, pod: Pod, verdicts: Verdicts
) -> None:
    """The pod's status says so, whatever the reason is called."""
    status = {"phase": "Failed", "reason": reason, "message": message, "containerStatuses": []}
    (verdict,) = verdicts(pod(status=status))
    assert (verdict.cause, verdict.certainty) == ("unschedulable", "certain")
    assert verdict.summary.startswith("its node refused the pod: ")
    assert "Pod was rejected" not in verdict.summary


def test_a_taint_need_not_be_a_lost_node(pod: Pod, verdicts: Verdicts) -> None:
    """Anybody can taint a node with NoExecute."""
    message = "Taint manager: deleting due to NoExecute taint"
    made = pod(meta=GONE, status=disrupted("DeletionByTaintManager", message))
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.certainty) == ("node", "certain")
    assert "or somebody tainted it" in verdict.summary


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("DeletionByPodGC", "PodGC: node no longer exists"),
        ("TerminationByKubelet", "Pod was terminated in response to imminent node shutdown."),
    ],
)
def test_a_node_that_is_gone_is_told_by_the_condition(
    reason: str, message: str, pod: Pod, verdicts: Verdicts
) -> None:
    """The pod has no reason of its own then."""
    made = pod(status=disrupted(reason, message, phase="Failed"))
    assert said(verdicts(made)) == ("node", "certain")


@pytest.mark.parametrize(
    ("meta", "phase", "certainty"),
    [(GONE, "Running", "certain"), ({}, "Failed", "certain"), ({}, "Running", "likely")],
)
def test_an_eviction_that_may_have_failed_is_not_certain(
    meta: dict[str, Any], phase: str, certainty: str, pod: Pod, verdicts: Verdicts
) -> None:
    """The condition is set before the pod is deleted."""
    status = disrupted("EvictionByEvictionAPI", "Eviction API: evicting", phase=phase)
    assert said(verdicts(pod(meta=meta, status=status))) == ("evicted", certainty)


def test_a_node_that_came_back_is_no_reason(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """A container ended there after it was said to be lost, or kubelet tells of one."""
    lost = event("NodeNotReady", "Node is not ready", 5, container=None)
    crashing = {"waiting": {"reason": "CrashLoopBackOff"}}
    made = pod(crashing, ended(1), restarts=3)
    assert said(verdicts(made, [lost])) == ("exit", "certain")
    probe = {"readinessProbe": {"tcpSocket": {"port": 9090}}}
    refused = "Readiness probe failed: dial tcp 10.0.0.1:9090: connect: connection refused"
    made = pod(ready=False, container=probe)
    assert said(verdicts(made, [lost])) == ("node", "likely")
    assert said(verdicts(made, [lost, event("Unhealthy", refused, 60)])) == ("readiness", "certain")


def test_a_cancelled_eviction_is_none(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """The node came back in time."""
    told = event("TaintManagerEviction", "Cancelling deletion of Pod prod/web", 5, container=None)
    assert said(verdicts(pod(ready=False), [told]))[0] != "node"


def test_what_the_status_says_stands_beside_what_cannot_be_told(
    pod: Pod, verdicts: Verdicts
) -> None:
    """A reason that is not known yet is quoted."""
    status = {"phase": "Failed", "reason": "Novel", "message": "A new way to fail."}
    (verdict,) = verdicts(pod(status=status))
    assert (verdict.cause, verdict.certainty) == ("unknown", "possible")
    assert "pod: phase Failed, Novel: A new way to fail." in verdict.evidence


def test_the_memory_limit_of_the_pod_as_a_whole_is_told(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """Its containers have none then."""
    limit = {"resources": {"limits": {"memory": "96Mi"}}}
    (verdict,) = verdicts(pod(last=ended(137, "OOMKilled"), restarts=1, spec=limit))
    assert verdict.summary == "killed at the memory limit of 96Mi"
    assert "96Mi" in verdict.fix


def test_an_end_without_an_exit_code_is_no_clean_one(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """What the API always has may be missing from a file."""
    last = ended(0)
    del last["terminated"]["exitCode"]
    assert said(verdicts(pod(last=last, restarts=1))) == ("unknown", "possible")


def test_an_exit_code_of_windows_is_no_clean_end(pod: Pod, ended: Make, verdicts: Verdicts) -> None:
    """It has 32 bits."""
    (verdict,) = verdicts(pod(last=ended(3221225786), restarts=1))
    assert (verdict.cause, verdict.certainty) == ("exit", "certain")
    assert "3221225786" in verdict.summary


@pytest.mark.parametrize(
    ("at", "cause"),
    [(58, "node"), (30, "node"), (61, "node"), (20, "completed"), (90, "completed")],
)
def test_a_pod_that_its_node_ended_as_a_whole_is_told(  # noqa: PLR0913, PLR0917
    at: int, cause: str, pod: Pod, ended: Make, event: Make, verdicts: Verdicts
) -> None:
    """Its sandbox was gone, or another's; the containers end as they do on SIGTERM."""
    said_so = "Pod sandbox changed, it will be killed and re-created."
    told = event("SandboxChanged", said_so, at, container=None, warning=False)
    made = pod(last=ended(0, "Completed"), restarts=1)
    assert said(verdicts(made, [told])) == (cause, "certain")

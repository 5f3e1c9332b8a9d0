from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Said = Callable[..., tuple[str, str]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]
Later = Callable[[float], datetime]

GONE = {"deletionTimestamp": "2026-11-24T08:01:30Z"}
PENDING = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}
CREATING = {"waiting": {"reason": "ContainerCreating"}}


def disrupted(reason: str, message: str = "") -> dict[str, Any]:
    target = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    return {"conditions": [target, {"type": "Ready", "status": "False"}]}


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("The node was low on resource: memory. Container app used 1Gi", "Request as much memory"),
        ('Usage of EmptyDir volume "tmp" exceeds the limit "5Mi". ', "sizeLimit"),
        ("Pod ephemeral local storage usage exceeds the total limit of 1Gi", "ephemeral-storage"),
        ("The node had condition: [PIDPressure]. ", "ran short of"),
    ],
)
def test_an_eviction_by_the_node_is_told_by_its_status(
    message: str, fix: str, pod: Pod, verdicts: Verdicts
) -> None:
    """Which resource, and what to do about that one."""
    status = {"phase": "Failed", "reason": "Evicted", "message": message}
    (verdict,) = verdicts(pod(status=status))
    assert (verdict.cause, verdict.certainty) == ("evicted", "certain")
    assert fix in verdict.fix


def test_an_eviction_is_told_by_its_event(pod: Pod, event: Make, said: Said) -> None:
    """Before the status tells of it."""
    told = event("Evicted", 'Usage of EmptyDir volume "tmp" exceeds the limit', container=None)
    assert said(pod(), [told]) == ("evicted", "likely")


def test_a_preemption_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """Another pod had the higher priority."""
    made = pod(meta=GONE, status=disrupted("PreemptionByScheduler", "preempting"))
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.certainty) == ("evicted", "certain")
    assert "preempted" in verdict.summary
    assert "PriorityClass" in verdict.fix


def test_a_preemption_is_told_by_its_event(pod: Pod, event: Make, verdicts: Verdicts) -> None:
    """The scheduler names the pod that it makes room for."""
    told = event("Preempted", "Preempted by pod 1-2 on node n1", container=None)
    (verdict,) = verdicts(pod(), [told])
    assert "preempted" in verdict.summary
    assert "PriorityClass" in verdict.fix


def test_a_drain_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """It goes through the eviction API."""
    (verdict,) = verdicts(pod(meta=GONE, status=disrupted("EvictionByEvictionAPI", "evicting")))
    assert verdict.cause == "evicted"
    assert "drained" in verdict.summary
    assert "PodDisruptionBudget" in verdict.fix


def test_an_eviction_without_a_word_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """It says that nothing says why."""
    (verdict,) = verdicts(pod(status=disrupted("TerminationByKubelet")))
    assert verdict.summary == "the pod was evicted: nothing says why"


@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({}, {"reason": "NodeLost", "message": "Node n1 which was running pod web is lost"}),
        ({}, {"phase": "Failed", "reason": "Terminated", "message": "imminent node shutdown."}),
        ({}, {"phase": "Unknown"}),
        (GONE, disrupted("DeletionByTaintManager", "Taint manager: deleting")),
        ({}, {"reason": "Terminated", **disrupted("TerminationByKubelet", "shutdown")}),
    ],
)
def test_a_lost_node_is_told_by_the_pod(
    meta: dict[str, Any], status: dict[str, Any], pod: Pod, said: Said
) -> None:
    """It stopped answering, or was shut down."""
    assert said(pod(meta=meta, status=status)) == ("node", "certain")


def test_a_lost_node_is_told_by_its_event(pod: Pod, event: Make, said: Said) -> None:
    """Where the pod is not ready since; a node that is back is none of its troubles."""
    told = [event("NodeNotReady", "Node is not ready", container=None)]
    assert said(pod(ready=False), told) == ("node", "likely")
    assert said(pod(), told, current="")[0] == "none"


def test_a_deadline_is_told(pod: Pod, event: Make, said: Said, verdicts: Verdicts) -> None:
    """With the seconds that were allowed."""
    status = {"phase": "Failed", "reason": "DeadlineExceeded", "message": "was active for longer"}
    told = [event("DeadlineExceeded", "Pod was active on the node longer", container=None)]
    (verdict,) = verdicts(pod(status=status, spec={"activeDeadlineSeconds": 60}), told)
    assert (verdict.cause, verdict.certainty) == ("deadline", "certain")
    assert "of 60 s" in verdict.summary
    assert said(pod(status=status)) == ("deadline", "certain")


def test_a_deleted_pod_is_ending(pod: Pod, said: Said, verdicts: Verdicts, later: Later) -> None:
    """Within its grace nothing is wrong with that."""
    (verdict,) = verdicts(pod(meta=GONE), now=later(80))
    assert (verdict.cause, verdict.certainty) == ("deleted", "certain")
    assert "ending" in verdict.summary
    assert said(pod(meta=GONE)) == ("deleted", "certain")


def test_a_deleted_pod_that_is_kept_is_told(
    pod: Pod, ended: Make, event: Make, verdicts: Verdicts, later: Later
) -> None:
    """A finalizer, or a node that does not say that it ended."""
    kept = pod(ended(0), meta={**GONE, "finalizers": ["example.com/guard"]})
    assert "example.com/guard" in verdicts(kept, now=later(900))[0].summary
    told = [event("FailedKillPod", "error killing pod", container=None)]
    (verdict,) = verdicts(pod(meta=GONE), told, now=later(900))
    assert "its node has not said" in verdict.summary
    assert any("FailedKillPod" in line for line in verdict.evidence)


def test_an_end_that_only_an_event_tells_of_is_told(pod: Pod, event: Make, said: Said) -> None:
    """The pod was read a moment before it was deleted; an older event is of a container before."""
    told = event("Killing", "Stopping container app", warning=False)
    assert said(pod(), [told], "") == ("deleted", "likely")
    later = pod({"running": {"startedAt": "2026-11-24T09:00:00Z"}})
    assert said(later, [told], "")[0] == "none"


def test_what_was_wrong_before_the_deletion_is_told_as_well(
    pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """A rollout replaces pods that crash: the crash is what one wants to know."""
    causes = [each.cause for each in verdicts(pod(last=ended(1), restarts=4, meta=GONE))]
    assert causes == ["deleted", "exit"]


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1", "Ask for less cpu"),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "less nvidia.com/gpu ("),
        ('persistentvolumeclaim "data" not found', "PersistentVolumeClaim data"),
        ("pod has unbound immediate PersistentVolumeClaims", "kubectl describe pvc"),
        ("3 node(s) had untolerated taint {gpu: true}", "Tolerate"),
        ("3 node(s) didn't match Pod's node affinity/selector", "nodeSelector"),
        ("1 node(s) didn't have free ports for the requested pod ports", "hostPort"),
        ("1 node(s) didn't match pod anti-affinity rules", "anti-affinity"),
        ("1 Too many pods", "Add nodes"),
        ("something new", "Mend what the scheduler says"),
    ],
)
def test_a_pod_that_no_node_takes_is_told(
    message: str, fix: str, pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """By the scheduler's words, each with its fix."""
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    made = pod(CREATING, spec={"nodeName": ""}, status={**PENDING, "conditions": [condition]})
    (verdict,) = verdicts(made, [event("FailedScheduling", message, container=None)])
    assert (verdict.cause, verdict.certainty) == ("unschedulable", "certain")
    assert fix in verdict.fix
    assert verdicts(made)[0].fix == verdict.fix


def test_scheduling_is_told_by_its_event(pod: Pod, event: Make, said: Said) -> None:
    """Where the condition is not there."""
    made = pod(CREATING, spec={"nodeName": ""}, status={"phase": "Pending", "conditions": []})
    told = [event("FailedScheduling", "1 Insufficient memory", container=None)]
    assert said(made, told) == ("unschedulable", "likely")
    assert said(made) == ("unschedulable", "possible")


def test_a_gate_of_scheduling_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """Nothing schedules the pod before it is taken off."""
    gated = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
    made = pod(CREATING, spec={"nodeName": ""}, status={**PENDING, "conditions": [gated]})
    assert "scheduling gates" in verdicts(made)[0].summary


def test_a_pod_that_is_just_scheduled_is_not_unschedulable(pod: Pod, said: Said) -> None:
    """Its node is not in the spec yet, but the condition says that it has one."""
    assert said(pod(CREATING, spec={"nodeName": ""}, status=PENDING))[0] == "unknown"


def test_a_node_that_refuses_a_pod_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """Kubelet has the last word on what fits."""
    status = {"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough cpu"}
    (verdict,) = verdicts(pod(CREATING, status=status))
    assert verdict.summary == "its node refused the pod: Node didn't have enough cpu"


@pytest.mark.parametrize(
    ("reason", "message", "fix"),
    [
        (
            "FailedMount",
            'MountVolume.SetUp failed for volume "v" : configmap "settings" not found',
            "Create the ConfigMap settings",
        ),
        (
            "FailedMount",
            'MountVolume.SetUp failed for volume "v" : secret "tls" not found',
            "Create the Secret tls",
        ),
        (
            "FailedMount",
            'MountVolume.SetUp failed for volume "v" : references non-existent secret key: ca',
            "Add the key ca",
        ),
        ("FailedAttachVolume", "Multi-Attach error for volume pvc-1", "Another node has"),
        ("FailedAttachVolume", "AttachVolume.Attach failed for volume pvc-1", "volumeattachment"),
        ("FailedMount", "Unable to attach or mount volumes: timed out", "Mend what the message"),
    ],
)
def test_a_volume_that_cannot_be_mounted_is_told(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    reason: str, message: str, fix: str, pod: Pod, event: Make, verdicts: Verdicts
) -> None:
    """By the event; nothing of the pod starts before."""
    made = pod(CREATING, status=PENDING)
    (verdict,) = verdicts(made, [event(reason, message, count=6, container=None)])
    assert (verdict.cause, verdict.certainty) == ("volume", "certain")
    assert fix in verdict.fix


def test_a_volume_that_failed_once_is_less_sure(pod: Pod, event: Make, said: Said) -> None:
    """Many mounts fail once and then work."""
    told = [event("FailedMount", "timed out", container=None)]
    assert said(pod(CREATING, status=PENDING), told) == ("volume", "likely")


def test_a_volume_that_was_mounted_since_is_not_the_cause(
    pod: Pod, event: Make, said: Said
) -> None:
    """A pull began after the failure."""
    mount = event("FailedMount", "timed out", 30, container=None)
    pull = event("Pulling", "Pulling image", 40, warning=False)
    assert said(pod(CREATING, status=PENDING), [mount, pull])[0] == "unknown"


def test_a_sandbox_that_cannot_be_made_is_told(pod: Pod, event: Make, said: Said) -> None:
    """It is the node's network, not the worker."""
    message = "failed to setup network for sandbox: plugin type=calico failed"
    made = pod(CREATING, status=PENDING)
    told = [event("FailedCreatePodSandBox", message, count=9, container=None)]
    assert said(made, told) == ("node", "certain")
    told[0]["count"] = 1
    assert said(made, told) == ("node", "likely")


def test_a_readiness_gate_is_told(pod: Pod, verdicts: Verdicts) -> None:
    """Every container is ready, and the pod is not."""
    made = pod()
    made["status"]["conditions"][1].update(
        status="False", reason="ReadinessGatesNotReady", message="the gate does not exist"
    )
    (verdict,) = verdicts(made)
    assert (verdict.cause, verdict.certainty) == ("readiness", "certain")
    assert "gate" in verdict.summary

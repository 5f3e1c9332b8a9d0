from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.pods import pod_of, resources
from tcp_probe.manifest.refusals import refused_resource

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Refused = Callable[[dict[str, Any]], list[Finding]]

LABELS = {"app": "worker"}


def deployment(pod: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": pod["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker"},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template, **spec},
    }


def job(pod: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {"spec": {"restartPolicy": "Never", **pod["spec"]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work"},
        "spec": {"template": template, **spec},
    }


def cron_job(pod: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "work"},
        "spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": job(pod)["spec"]}, **spec},
    }


def spec_of(document: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = document["spec"]["template"]["spec"]
    return spec


def test_resources_that_kubernetes_takes_are_not_refused(refused: Refused, pod: Pod) -> None:
    """Whatever kind they are."""
    expressions = [
        {"key": "app", "operator": "In", "values": ["worker"]},
        {"key": "app", "operator": "NotIn", "values": ["other"]},
        {"key": "app", "operator": "Exists"},
        {"key": "none", "operator": "DoesNotExist"},
    ]
    for spec in (
        {"selector": {"matchExpressions": expressions}},
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
        {"minReadySeconds": 10, "progressDeadlineSeconds": 11},
    ):
        assert refused(deployment(pod(), **spec)) == []
    assert refused(job(pod(), manualSelector=True, selector={})) == []
    for schedule in ("@daily", "*/5 * * * *", "@every 5m"):
        assert refused(cron_job(pod(), schedule=schedule)) == []
    mounted = pod(volumeMounts=[{"name": "data", "mountPath": "/data"}])
    claims = {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}, {"spec": {}}]}
    assert refused({**deployment(mounted, **claims), "kind": "StatefulSet"}) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"apiVersion": "v1"}, "a Deployment is of apiVersion apps/v1, got 'v1'"),
        ({"apiVersion": None}, "a Deployment is of apiVersion apps/v1, got nothing"),
        ({"metadata": {}}, "it has no name"),
        ({"metadata": None}, "it has no name"),
        ({"metadata": {"name": "My_Worker"}}, "small letters, digits, '-' and '.'"),
        ({"metadata": {"name": "a", "labels": {"a b": "c"}}}, "a label is at most 63 letters"),
        ({"metadata": {"name": "a", "labels": {"a": "b c"}}}, "a label is at most 63 letters"),
    ],
)
def test_what_is_refused_of_a_resource_is_found(
    changes: dict[str, Any], reason: str, refused: Refused, pod: Pod
) -> None:
    """Its version, its name and its labels."""
    assert any(reason in finding.reason for finding in refused({**deployment(pod()), **changes}))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"selector": {}}, "an empty selector"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "selects app: 'other', but the pod has"),
        ({"selector": {"matchLabels": {**LABELS, "x": "y"}}}, "but the pod has nothing"),
        ({"replicas": -1}, "from 0 to"),
        ({"minReadySeconds": 600}, "progressDeadlineSeconds, 600, has to be more"),
        ({"strategy": {"type": "Recreate", "rollingUpdate": {}}}, "Recreate has no rollingUpdate"),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "may not both be 0",
        ),
        ({"strategy": {"type": "Rolling"}}, "one of Recreate, RollingUpdate"),
    ],
)
def test_what_is_refused_of_a_deployment_is_found(
    spec: dict[str, Any], reason: str, refused: Refused, pod: Pod
) -> None:
    """A selector that misses its own pods, and numbers that contradict each other."""
    assert any(reason in finding.reason for finding in refused(deployment(pod(), **spec)))


@pytest.mark.parametrize("operator", ["In", "NotIn", "Exists", "DoesNotExist"])
def test_an_expression_that_misses_the_pod_is_found(
    operator: str, refused: Refused, pod: Pod
) -> None:
    """Whichever way it selects."""
    wrong: dict[str, dict[str, Any]] = {
        "In": {"key": "app", "values": ["other"]},
        "NotIn": {"key": "app", "values": ["worker"]},
        "Exists": {"key": "none"},
        "DoesNotExist": {"key": "app"},
    }
    selector = {"matchExpressions": [{**wrong[operator], "operator": operator}]}
    [finding] = refused(deployment(pod(), selector=selector))
    assert "it does not select the pod" in finding.reason


def test_a_template_without_labels_is_missed_by_its_selector(refused: Refused, pod: Pod) -> None:
    """Also that of a ReplicationController, whose selector is the labels themselves."""
    document = deployment(pod())
    del document["spec"]["template"]["metadata"]
    assert "but the pod has nothing" in refused(document)[0].reason
    old = {**deployment(pod(), selector={"app": "other"}), "apiVersion": "v1"}
    [finding] = refused({**old, "kind": "ReplicationController"})
    assert "selects app: 'other'" in finding.reason


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_a_controller_restarts_its_pods_always(kind: str, refused: Refused, pod: Pod) -> None:
    """It takes neither another policy nor a deadline."""
    document = deployment(pod({"restartPolicy": "OnFailure", "activeDeadlineSeconds": 9}))
    first, second = refused({**document, "kind": kind})
    assert f"the pods of a {kind} are restarted Always, got 'OnFailure'" in first.reason
    assert "have no deadline" in second.reason


def test_a_job_restarts_its_pods_never_always(refused: Refused, pod: Pod) -> None:
    """And gets its selector from Kubernetes."""
    always = job(pod({"restartPolicy": "Always"}), selector={"matchLabels": LABELS})
    reasons = [finding.reason for finding in refused(always)]
    assert any("a restartPolicy of OnFailure or Never" in reason for reason in reasons)
    assert any("a Job gets its selector from Kubernetes" in reason for reason in reasons)
    silent = job(pod())
    del spec_of(silent)["restartPolicy"]
    assert "OnFailure or Never" in refused(silent)[0].reason


def test_a_cron_job_has_a_schedule_and_a_short_name(refused: Refused, pod: Pod) -> None:
    """Its Jobs get names that are longer than its own."""
    [finding] = refused(cron_job(pod(), schedule="every day"))
    assert "a schedule has five fields" in finding.reason
    document = cron_job(pod())
    document["metadata"]["name"] = "a" * 53
    assert "at most 52 characters" in refused(document)[0].reason


def test_items_of_a_list_from_the_server_need_no_version(manifest: Manifest, pod: Pod) -> None:
    """It does not say again what they are."""
    item = pod()
    del item["kind"], item["apiVersion"]
    [resource] = resources(manifest({"kind": "PodList", "items": [item]}))
    found = pod_of(resource)
    assert found
    assert list(refused_resource(resource, found)) == []

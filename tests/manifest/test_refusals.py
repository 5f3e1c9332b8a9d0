from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.manifest.finding import Finding
from tcp_probe.manifest.formats import amount, is_label, is_label_key, is_name, is_port_name
from tcp_probe.manifest.pods import containers_of, pod_of, resources
from tcp_probe.manifest.refusals import refused_container, refused_resource
from tcp_probe.manifest.schema import check_fields

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Refused = Callable[[dict[str, Any]], list[Finding]]

TCP = {"tcpSocket": {"port": 9090}}
LABELS = {"app": "worker"}


@pytest.fixture
def refused(manifest: Manifest) -> Refused:
    """Find what the API server refuses of a resource."""

    def refused(document: dict[str, Any]) -> list[Finding]:
        [resource] = resources(manifest(document))
        pod = pod_of(resource)
        assert pod
        found = [
            *check_fields(resource.field, resource.kind),
            *refused_resource(resource, pod),
        ]
        for choice in containers_of(resource):
            found += refused_container(choice)
        return [finding for finding in found if finding.rule == "refused"]

    return refused


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


def test_what_kubernetes_takes_is_not_refused(refused: Refused, pod: Pod) -> None:
    """Whatever kind it is, and whatever it uses."""
    fields = {
        "ports": [{"name": "live", "containerPort": 9090, "hostPort": 9090}],
        "env": [
            {"name": "A", "value": "b"},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "envFrom": [{"secretRef": {"name": "s"}}],
        "livenessProbe": {"httpGet": {"port": "live", "scheme": ""}, "periodSeconds": 0},
        "lifecycle": {"preStop": {"sleep": {"seconds": 30}}, "stopSignal": "SIGINT"},
        "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "0.1Gi", "cpu": 1}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's
            {"name": "a", "mountPath": "/a"},
        ],
        "restartPolicy": "Never",
        "restartPolicyRules": [
            {"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}
        ],
    }
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "a", "configMap": {"name": "a"}}]
    document = pod({"volumes": volumes, "os": {"name": "linux"}}, **fields)
    assert refused(document) == []
    del document["metadata"]["name"]
    document["metadata"]["generateName"] = "worker-"
    assert refused(document) == []
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


def spec_of(document: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = document["spec"]["template"]["spec"]
    return spec


CONTAINERS: list[tuple[dict[str, Any], str]] = [
    ({"image": None}, "it has no image"),
    ({"image": " worker"}, "has spaces around it"),
    ({"name": "My_Worker"}, "small letters, digits and '-', got 'My_Worker'"),
    ({"livenessProbe": {}}, "it has one of exec, httpGet, tcpSocket, grpc, got none"),
    ({"livenessProbe": {**TCP, "exec": {"command": ["a"]}}}, "got exec and tcpSocket"),
    ({"lifecycle": {"preStop": {}}}, "it has one of exec, httpGet, tcpSocket, sleep, got none"),
    ({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}, "terminationGracePeriodSeconds, 30 s"),
    ({"lifecycle": {"preStop": {"sleep": {"seconds": -1}}}}, "a hook sleeps 0 s to"),
    ({"lifecycle": {"postStart": {"sleep": {"seconds": 31}}}}, "a hook sleeps 0 s to"),
    ({"lifecycle": {"stopSignal": "SIGINT"}}, "a stopSignal needs spec.os.name"),
    ({"ports": [{"containerPort": 0}]}, "from 1 to 65535, got 0"),
    ({"ports": [{"containerPort": 1, "name": "Live"}]}, "the name of a port has at most 15"),
    ({"ports": [{"containerPort": 1, "name": "8080"}]}, "a letter among them, got '8080'"),
    (
        {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
        "another port of this container has that name",
    ),
    ({"ports": [{"containerPort": 1, "protocol": "tcp"}]}, "one of TCP, UDP, SCTP, got 'tcp'"),
    (
        {"ports": [{"containerPort": 1, "hostPort": 5}, {"containerPort": 2, "hostPort": 5}]},
        "another container has it, too",
    ),
    ({"env": [{"name": "A=B"}]}, "it cannot be the name of a variable"),
    ({"env": [{"name": "A", "valueFrom": {}}]}, "it has one of fieldRef"),
    (
        {"env": [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
        "it has a value and a valueFrom",
    ),
    ({"envFrom": [{}]}, "it has one of configMapRef, secretRef, got 0"),
    ({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}, "no volume 'a'; it has none"),
    ({"imagePullPolicy": "always"}, "one of Always, IfNotPresent, Never, got 'always'"),
    ({"terminationMessagePolicy": "Log"}, "one of File, FallbackToLogsOnError"),
    ({"resources": {"limits": {"cpu": "1 core"}}}, "an amount such as 100m or 64Mi, got '1 core'"),
    ({"resources": {"limits": {"cpu": "-1"}}}, "expected 0 or more, got '-1'"),
    (
        {"resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "2Gi"}}},
        "the request for memory is more than its limit, 1Gi",
    ),
    (
        {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
        "a privileged container may not have it false",
    ),
    ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "does not start it as user 0"),
    ({"securityContext": {"runAsUser": -1}}, "from 0 to"),
    ({"livenessProbe": {"tcpSocket": {"port": "8080"}}}, "a letter among them, got '8080'"),
    ({"livenessProbe": {"tcpSocket": {"port": "Live!"}}}, "got 'Live!'"),
    ({"livenessProbe": {"httpGet": {"port": 0}}}, "expected a port from 1 to 65535, got 0"),
    ({"livenessProbe": {"httpGet": {"port": 1, "scheme": "http"}}}, "one of HTTP, HTTPS"),
    ({"livenessProbe": {"grpc": {"port": 70000}}}, "from 1 to 65535, got 70000"),
    ({"livenessProbe": {**TCP, "terminationGracePeriodSeconds": 0}}, "from 1 to"),
    ({"restartPolicyRules": [{"action": "Restart"}]}, "need a restartPolicy of the container"),
]


@pytest.mark.parametrize(("fields", "reason"), CONTAINERS)
def test_what_is_refused_of_a_container_is_found(
    fields: dict[str, Any], reason: str, refused: Refused, pod: Pod
) -> None:
    """Each with what was expected."""
    found = refused(pod(**fields))
    assert any(reason in finding.reason for finding in found), found
    assert all(finding.level == "error" and finding.fix for finding in found)


SETUP = {"name": "setup", "image": "setup"}
PODS: list[tuple[dict[str, Any], str]] = [
    ({"restartPolicy": "always"}, "one of Always, OnFailure, Never, got 'always'"),
    ({"dnsPolicy": "None?"}, "one of ClusterFirst, "),
    ({"terminationGracePeriodSeconds": -1}, "expected 0 or more, got -1"),
    ({"activeDeadlineSeconds": 0}, "from 1 to"),
    ({"initContainers": [{**SETUP, "name": "worker"}]}, "another container has the name 'worker'"),
    ({"initContainers": [{**SETUP, "livenessProbe": TCP}]}, "restartPolicy Always has a livenessP"),
    ({"initContainers": [{**SETUP, "lifecycle": {}}]}, "restartPolicy Always has a lifecycle"),
    ({"volumes": [{"name": "a"}, {"name": "a"}]}, "another volume has the name 'a', too"),
    ({"volumes": [{"name": "a", "emptyDir": {}, "secret": {}}]}, "got emptyDir and secret"),
    ({"volumes": [{"name": "a", "secret": {}}]}, "it does not say which secret"),
    ({"volumes": [{"name": "a", "configMap": {}}]}, "it does not say which configMap"),
    ({"hostPID": True, "shareProcessNamespace": True}, "exclude each other"),
    ({"ephemeralContainers": [SETUP]}, "only kubectl debug adds them"),
    ({"tolerations": [{"effect": "Never"}]}, "one of NoSchedule, "),
]


@pytest.mark.parametrize(("spec", "reason"), PODS)
def test_what_is_refused_of_a_pod_is_found(
    spec: dict[str, Any], reason: str, refused: Refused, pod: Pod
) -> None:
    """In its spec, or in a container before the others."""
    assert any(reason in finding.reason for finding in refused(pod(spec)))


def test_ports_of_the_node_are_the_containers_own(refused: Refused, pod: Pod) -> None:
    """Where the pod uses the network of its node."""
    fields = {"ports": [{"containerPort": 1, "hostPort": 2}]}
    [finding] = refused(pod({"hostNetwork": True}, **fields))
    assert "the same as containerPort" in finding.reason
    assert refused(pod(**fields)) == []


def test_two_mounts_in_one_place_are_found(refused: Refused, pod: Pod) -> None:
    """One would hide the other; the volumes that there are are named."""
    mounts = [{"name": name, "mountPath": "/a"} for name in "ab"]
    first, second = refused(pod({"volumes": [{"name": "a"}]}, volumeMounts=mounts))
    assert "no volume 'b'; it has a" in first.reason
    assert "another volume is mounted there" in second.reason


def test_the_rights_of_the_pod_count_too(refused: Refused, pod: Pod) -> None:
    """A container that says nothing has those of its pod."""
    root = {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}
    [finding] = refused(pod(root))
    assert finding.field == "spec.securityContext"
    assert refused(pod(root, securityContext={"runAsUser": 1})) == []


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


def test_what_cannot_be_understood_is_told_once_more(refused: Refused, pod: Pod) -> None:
    """A check that comes across it says so, and the others go on."""
    found = refused(pod(image=3, env=[{}], ports=[{"containerPort": 1, "name": "A"}]))
    reasons = " ".join(finding.reason for finding in found)
    assert "expected text, got 3" in reasons
    assert "expected a field 'name'" in reasons
    assert "the name of a port has" in reasons


def test_names_and_amounts_are_those_of_kubernetes() -> None:
    """At their limits, and just beyond."""
    assert is_label("a" * 63)
    assert not is_label("a" * 64)
    assert is_name("a.b-c.d")
    assert not is_name("a..b")
    assert not is_name("a" * 254)
    assert is_port_name("a" * 15)
    assert not is_port_name("a--b")
    assert is_label_key("example.com/name")
    assert not is_label_key("Example/name")
    assert not is_label_key("")
    amounts = {"1": 1, "100m": 0.1, "1Ki": 1024, "1.5k": 1500, "1e3": 1000, "2E": 2e18, "-1": -1}
    assert {text: amount(text) for text in amounts} == pytest.approx(amounts)
    assert [amount(text) for text in ("", "m", "1KB", "1 Gi", "1e9999999")] == [None] * 5

"""What the API server refuses of a workload around its pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fields import shown
from .formats import is_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .fields import Field
    from .pods import Resource
    from .refused_containers import Refusal

API_VERSIONS = {
    "Pod": "v1",
    "PodTemplate": "v1",
    "ReplicationController": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
RESTARTED_ALWAYS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")
LONGEST_CRON_JOB = 52
DEFAULT_DEADLINE = 600


def api_version(resource: Resource, _pod: Field) -> Refusal:
    """Find kinds that do not exist in the version that is given."""
    expected = API_VERSIONS.get(resource.kind)
    given = resource.field.get("apiVersion")
    # The items of a List from the API server do not say it again.
    if expected and not (given is None and resource.field.path and not resource.field.get("kind")):
        value = given.value if given else None
        if value != expected:
            reason = f"a {resource.kind} is of apiVersion {expected}, got {shown(value)}"
            yield given or resource.field, reason, f"apiVersion: {expected}"


def name(resource: Resource, _pod: Field) -> Refusal:
    """Find workloads without a name, or with one that cannot be."""
    metadata = resource.field.get("metadata")
    given = metadata and metadata.get("name")
    generated = metadata and metadata.get("generateName")
    if not (given and given.text()) and not (generated and generated.text()):
        yield metadata or resource.field, "it has no name", "metadata: {name: ...}"
    elif given and not is_name(given.text()):
        reason = f"a name has small letters, digits, '-' and '.', got {shown(given.value)}"
        yield given, reason, "a name such as my-worker"
    elif given and resource.kind == "CronJob" and len(given.text()) > LONGEST_CRON_JOB:
        yield given, f"a CronJob's name has at most {LONGEST_CRON_JOB} characters", "a shorter name"


def selector(resource: Resource, pod: Field) -> Refusal:
    """Find selectors that do not select the pods which are made."""
    field = resource.field.find("spec", "selector")
    if resource.kind not in RESTARTED_ALWAYS or field is None:
        return
    old = resource.kind == "ReplicationController"
    wanted = field if old else field.get("matchLabels")
    expressions = [] if old else field.items_of("matchExpressions")
    if not old and not expressions and not (wanted and wanted.mapping()):
        yield field, "an empty selector would select every pod", "matchLabels with the pod's labels"
    metadata = pod.get("metadata")
    given = metadata and metadata.get("labels")
    labels = given.mapping() if given else {}
    for key, value in (wanted.mapping() if wanted else {}).items():
        if labels.get(key) != value:
            reason = f"it selects {key}: {shown(value)}, but the pod has {shown(labels.get(key))}"
            yield field, reason, "the same labels in the selector and in the template's metadata"
    for expression in expressions:
        key, operator = expression.need("key").text(), expression.need("operator").value
        values = [item.value for item in expression.items_of("values")]
        has, within = key in labels, labels.get(key) in values
        selected = {
            "In": has and within,
            "NotIn": not (has and within),
            "Exists": has,
            "DoesNotExist": not has,
        }
        if not selected.get(operator, True):
            yield expression, "it does not select the pod of the template", "mend it or the labels"


def job_selector(resource: Resource, _pod: Field) -> Refusal:
    """Find Jobs that choose their selector themselves."""
    if "Job" in resource.kind:
        step = ("jobTemplate", "spec") if resource.kind == "CronJob" else ()
        spec = resource.field.find("spec", *step)
        field = spec and spec.get("selector")
        manual = spec and spec.get("manualSelector")
        if field and not (manual and manual.value):
            yield field, "a Job gets its selector from Kubernetes", "remove it"


def restart_policy(resource: Resource, pod: Field) -> Refusal:
    """Find controllers of pods that would not be restarted, and Jobs of such that always are."""
    spec = pod.need("spec")
    policy = spec.get("restartPolicy")
    if resource.kind in RESTARTED_ALWAYS and policy and policy.value not in ("Always", ""):
        reason = f"the pods of a {resource.kind} are restarted Always, got {shown(policy.value)}"
        yield policy, reason, "remove it, or make it a Job"
    elif resource.kind in ("Job", "CronJob") and (policy is None or policy.value in ("Always", "")):
        reason = "the pods of a Job have a restartPolicy of OnFailure or Never"
        yield policy or spec, reason, "restartPolicy: OnFailure"


def deadline(resource: Resource, pod: Field) -> Refusal:
    """Find deadlines that a controller does not take, or that have passed before they count."""
    field = pod.need("spec").get("activeDeadlineSeconds")
    if field and resource.kind in RESTARTED_ALWAYS:
        yield (
            field,
            f"the pods of a {resource.kind} have no deadline",
            "remove it, or make it a Job",
        )
    spec = resource.field.get("spec")
    if resource.kind == "Deployment" and spec:
        ready = spec.get("minReadySeconds")
        given = spec.get("progressDeadlineSeconds")
        most = given.number(0, 2**31) if given else DEFAULT_DEADLINE
        if ready and ready.number(0, 2**31) >= most:
            reason = f"progressDeadlineSeconds, {most}, has to be more than minReadySeconds"
            yield given or ready, reason, "a longer progressDeadlineSeconds"


def strategy(resource: Resource, _pod: Field) -> Refusal:
    """Find updates that are told two ways, or none."""
    field = resource.field.find("spec", "strategy") if resource.kind == "Deployment" else None
    rolling = field and field.get("rollingUpdate")
    if field and rolling:
        kind = field.get("type")
        if kind and kind.value == "Recreate":
            yield rolling, "Recreate has no rollingUpdate", "remove one of them"
        most = [rolling.get(each) for each in ("maxSurge", "maxUnavailable")]
        if all(each and each.value in (0, "0%") for each in most):
            yield rolling, "maxSurge and maxUnavailable may not both be 0", "1 for one of them"


def schedule(resource: Resource, _pod: Field) -> Refusal:
    """Find CronJobs that never come."""
    field = resource.field.find("spec", "schedule") if resource.kind == "CronJob" else None
    if field:
        text = field.text().strip()
        fields = len(text.split())
        if not (text.startswith("@") and fields <= 2) and fields != 5:  # noqa: PLR2004 - as cron has
            reason = f"a schedule has five fields, or is such as @daily, got {shown(text)}"
            yield field, reason, 'schedule: "*/10 * * * *"'


RESOURCE_CHECKS: tuple[Callable[[Resource, Field], Refusal], ...] = (
    api_version,
    name,
    selector,
    job_selector,
    restart_policy,
    deadline,
    strategy,
    schedule,
)

"""Which values the API server takes of those that have the right type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fields import MOST, Field, shown
from .finding import Finding
from .formats import amount, is_label_key, is_label_value

if TYPE_CHECKING:
    from collections.abc import Iterator

# By the part that has the field; text that is empty stands for the default.
WORDS = {
    "Container.imagePullPolicy": "Always IfNotPresent Never",
    "Container.restartPolicy": "Always OnFailure Never",
    "Container.terminationMessagePolicy": "File FallbackToLogsOnError",
    "ContainerPort.protocol": "TCP UDP SCTP",
    "ContainerRestartRule.action": "Restart RestartAllContainers",
    "ContainerRestartRuleOnExitCodes.operator": "In NotIn",
    "CronJobSpec.concurrencyPolicy": "Allow Forbid Replace",
    "DaemonSetUpdateStrategy.type": "RollingUpdate OnDelete",
    "DeploymentStrategy.type": "Recreate RollingUpdate",
    "HTTPGetAction.scheme": "HTTP HTTPS",
    "JobSpec.completionMode": "NonIndexed Indexed",
    "JobSpec.podReplacementPolicy": "TerminatingOrFailed Failed",
    "LabelSelectorRequirement.operator": "In NotIn Exists DoesNotExist",
    "NodeSelectorRequirement.operator": "In NotIn Exists DoesNotExist Gt Lt",
    "PodOS.name": "linux windows",
    "PodSpec.dnsPolicy": "ClusterFirst ClusterFirstWithHostNet Default None",
    "PodSpec.preemptionPolicy": "PreemptLowerPriority Never",
    "PodSpec.restartPolicy": "Always OnFailure Never",
    "SeccompProfile.type": "RuntimeDefault Unconfined Localhost",
    "StatefulSetSpec.podManagementPolicy": "OrderedReady Parallel",
    "StatefulSetUpdateStrategy.type": "RollingUpdate OnDelete",
    "Toleration.effect": "NoSchedule PreferNoSchedule NoExecute",
    "TopologySpreadConstraint.whenUnsatisfiable": "DoNotSchedule ScheduleAnyway",
    "VolumeMount.mountPropagation": "None HostToContainer Bidirectional",
}
# The least and the most that a number may be.
ANY = (0, MOST)
LIMITS = {
    "ContainerPort.containerPort": (1, 65535),
    "ContainerPort.hostPort": (0, 65535),
    "CronJobSpec.failedJobsHistoryLimit": ANY,
    "CronJobSpec.startingDeadlineSeconds": (0, 2**63 - 1),
    "CronJobSpec.successfulJobsHistoryLimit": ANY,
    "DaemonSetSpec.minReadySeconds": ANY,
    "DaemonSetSpec.revisionHistoryLimit": ANY,
    "DeploymentSpec.minReadySeconds": ANY,
    "DeploymentSpec.progressDeadlineSeconds": ANY,
    "DeploymentSpec.replicas": ANY,
    "DeploymentSpec.revisionHistoryLimit": ANY,
    "GRPCAction.port": (1, 65535),
    "JobSpec.activeDeadlineSeconds": (0, 2**63 - 1),
    "JobSpec.backoffLimit": ANY,
    "JobSpec.completions": ANY,
    "JobSpec.parallelism": ANY,
    "JobSpec.ttlSecondsAfterFinished": ANY,
    "PodSecurityContext.fsGroup": ANY,
    "PodSecurityContext.runAsGroup": ANY,
    "PodSecurityContext.runAsUser": ANY,
    "PodSpec.activeDeadlineSeconds": (1, MOST),
    "Probe.failureThreshold": ANY,
    "Probe.initialDelaySeconds": ANY,
    "Probe.periodSeconds": ANY,
    "Probe.successThreshold": ANY,
    "Probe.terminationGracePeriodSeconds": (1, 2**63 - 1),
    "Probe.timeoutSeconds": ANY,
    "ReplicaSetSpec.minReadySeconds": ANY,
    "ReplicaSetSpec.replicas": ANY,
    "ReplicationControllerSpec.minReadySeconds": ANY,
    "ReplicationControllerSpec.replicas": ANY,
    "SecurityContext.runAsGroup": ANY,
    "SecurityContext.runAsUser": ANY,
    "StatefulSetSpec.minReadySeconds": ANY,
    "StatefulSetSpec.replicas": ANY,
    "StatefulSetSpec.revisionHistoryLimit": ANY,
}


def refused(field: Field, reason: str, fix: str) -> Finding:
    """Make a finding about something that the API server does not take."""
    return Finding.at(field, "refused", "error", f"the API server refuses it: {reason}", fix)


def check_value(field: Field, part: str) -> Iterator[Finding]:
    """Find a value that this field of the part may not have."""
    name = f"{part}.{field.path[-1]}"
    value = field.value
    if name in WORDS and value not in ("", *WORDS[name].split()):
        expected = WORDS[name].replace(" ", ", ")
        yield refused(field, f"expected one of {expected}, got {shown(value)}", "write one of them")
    elif name in LIMITS:
        least, most = LIMITS[name]
        if not least <= value <= most:
            reason = f"expected a whole number from {least} to {most}, got {shown(value)}"
            yield refused(field, reason, "write one of these")
    elif name == "ObjectMeta.labels":
        for key, text in value.items():
            if isinstance(text, str) and not (is_label_key(key) and is_label_value(text)):
                reason = f"a label is at most 63 letters, digits, '-', '_' or '.', got {shown(key)}"
                yield refused(field, f"{reason}: {shown(text)}", "an annotation takes any text")


def check_amount(field: Field) -> Iterator[Finding]:
    """Find an amount that is none."""
    if amount(str(field.value)) is None:
        reason = f"expected an amount such as 100m or 64Mi, got {shown(field.value)}"
        yield refused(field, reason, "write a number, with a unit perhaps")

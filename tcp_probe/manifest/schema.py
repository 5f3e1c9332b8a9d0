"""Which fields a pod, a container and a probe have, and since which Kubernetes version.

Only what a manifest's probes hang on is looked into; `any` stands for what is not.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from .fields import Field, shown
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

# The versions that the tables below were made from; a field without a version has them all.
OLDEST = "1.25"
NEWEST = "1.37"
TABLES = {
    "PodSpec": """
        activeDeadlineSeconds integer, affinity mapping, automountServiceAccountToken boolean,
        containers [Container], dnsConfig mapping, dnsPolicy text, enableServiceLinks boolean,
        ephemeralContainers [any], evictionResponders [any] 1.37, hostAliases [any],
        hostIPC boolean, hostNetwork boolean, hostPID boolean, hostUsers boolean, hostname text,
        hostnameOverride text 1.34, imagePullSecrets [any], initContainers [Container],
        nodeName text, nodeSelector mapping, os mapping, overhead mapping, preemptionPolicy text,
        priority integer, priorityClassName text, readinessGates [any],
        resourceClaims [any] 1.26, resources mapping 1.32, restartPolicy text,
        runtimeClassName text, schedulerName text, schedulingGates [any] 1.26,
        schedulingGroup mapping 1.36, securityContext mapping, serviceAccount text,
        serviceAccountName text, setHostnameAsFQDN boolean, shareProcessNamespace boolean,
        subdomain text, terminationGracePeriodSeconds integer, tolerations [any],
        topologySpreadConstraints [any], volumes [any]""",
    "Container": """
        args [text], command [text], env [EnvVar], envFrom [any], image text,
        imagePullPolicy text, lifecycle Lifecycle, livenessProbe Probe, name text,
        ports [ContainerPort], readinessProbe Probe, resizePolicy [any] 1.27, resources mapping,
        restartPolicy text 1.28, restartPolicyRules [any] 1.34, securityContext mapping,
        startupProbe Probe, stdin boolean, stdinOnce boolean, terminationMessagePath text,
        terminationMessagePolicy text, tty boolean, volumeDevices [any], volumeMounts [any],
        workingDir text""",
    "Probe": """
        exec ExecAction, failureThreshold integer, grpc GRPCAction, httpGet HTTPGetAction,
        initialDelaySeconds integer, periodSeconds integer, successThreshold integer,
        tcpSocket TCPSocketAction, terminationGracePeriodSeconds integer,
        timeoutSeconds integer""",
    "TCPSocketAction": "host text, port port",
    "HTTPGetAction": """
        host text, httpHeaders [HTTPHeader], path text, port port, protocol text 1.37,
        scheme text""",
    "HTTPHeader": "name text, value text",
    "ExecAction": "command [text]",
    "GRPCAction": "mode text 1.37, port integer, service text",
    "Lifecycle": "postStart LifecycleHandler, preStop LifecycleHandler, stopSignal text 1.33",
    "LifecycleHandler": """
        exec ExecAction, httpGet HTTPGetAction, sleep SleepAction 1.29,
        tcpSocket TCPSocketAction""",
    "SleepAction": "seconds integer 1.29",
    "ContainerPort": """
        containerPort integer, hostIP text, hostPort integer, name text, protocol text""",
    "EnvVar": "name text, value text, valueFrom mapping",
}
# No name of a field is longer; to compare with one takes the square of its length.
LONGEST = 40
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "integer": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "text": ((str,), "text"),
    "mapping": ((dict,), "a mapping"),
    "port": ((int, str), "a port's number or name"),
}


def table(name: str) -> dict[str, tuple[str, str]]:
    """Return the fields of a part of a pod: the type of each, and the version that brought it."""
    rows = (row.split() for row in TABLES[name].split(","))
    return {field: (kind, since[0] if since else OLDEST) for field, kind, *since in rows}


def check_fields(field: Field, name: str) -> Iterator[Finding]:
    """Find unknown fields, values of a wrong type, and fields that only newer versions have."""
    known = table(name)
    for each, value in field.mapping().items():
        child = Field(field.document, (*field.path, each), value)
        if each not in known:
            close = get_close_matches(each[:LONGEST], known, 1)
            yield Finding.at(
                child,
                "unknown-field",
                "error",
                f"a {name} has no such field in Kubernetes {OLDEST} to {NEWEST}",
                f"write {close[0]}" if close else "remove it, or move it to where it belongs",
            )
            continue
        kind, since = known[each]
        if since != OLDEST:
            reason = f"Kubernetes has it from {since} on; an older version does not know it"
            fix = f"make sure that the cluster runs {since} or later"
            yield Finding.at(child, "newer-field", "info", reason, fix)
        yield from _check_value(child, kind)


def _check_value(field: Field, kind: str) -> Iterator[Finding]:
    if field.value is None or kind == "any":
        return
    if kind.startswith("["):
        if not isinstance(field.value, list):
            yield _wrong_type(field, "a list")
            return
        for item in field.items():
            yield from _check_value(item, kind[1:-1])
    elif kind in TYPES:
        types, expected = TYPES[kind]
        # In Python true is a number, too.
        if not isinstance(field.value, types) or (
            isinstance(field.value, bool) != (kind == "boolean")
        ):
            yield _wrong_type(field, expected)
    elif isinstance(field.value, dict):
        yield from check_fields(field, kind)
    else:
        yield _wrong_type(field, "a mapping")


def _wrong_type(field: Field, expected: str) -> Finding:
    reason = f"expected {expected}, got {shown(field.value)}"
    return Finding.at(field, "wrong-type", "error", reason, f"write {expected}")

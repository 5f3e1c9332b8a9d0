"""What keeps a pod from its start as a whole: no node, a volume, the node's network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcp_probe.why.causes.whole_pod import first_sentence, status_of, told
from tcp_probe.why.json_fields import text

if TYPE_CHECKING:
    from tcp_probe.why.causes.whole_pod import PodCase
    from tcp_probe.why.events import Event
    from tcp_probe.why.verdict import Certainty, Verdict

_WAITS = ("ContainerCreating", "PodInitializing")
_SANDBOX = ("FailedCreatePodSandBox", "NetworkNotReady", "FailedPodSandBoxStatus")
# Why a node refuses a pod that it was given, in the status of the pod.
_REFUSED = ("OutOf", "Outof", "UnexpectedAdmission", "InvalidNodeInfo", "NodeAffinity")
_SCHEDULING = (
    (
        re.compile(r"persistentvolumeclaim \"?(?P<what>[^\s\"]+)\"? not found"),
        "Create the PersistentVolumeClaim {what}, or mend its name in the pod.",
    ),
    (
        re.compile(r"unbound immediate PersistentVolumeClaims|didn't find available persistent"),
        "Find out why its PersistentVolumeClaim is not bound: kubectl describe pvc.",
    ),
    (
        re.compile(r"Insufficient (?P<what>[\w/-]+(?:\.[\w/-]+)*)"),
        "Ask for less {what} (resources.requests), or add nodes: no node has that much left.",
    ),
    (
        re.compile(r"node affinity/selector|didn't match Pod's node"),
        "Mend nodeSelector or affinity, or label a node to match them.",
    ),
    (
        re.compile(r"untolerated taint[s(]* ?\{(?P<what>[^}]*)\}|had taints? "),
        "Tolerate the taint, or add nodes without it.",
    ),
    (re.compile(r"free ports"), "Drop hostPort: every node that fits has that port taken."),
    (
        re.compile(r"topology spread|anti-affinity"),
        "Loosen the anti-affinity or the topology spread, or add nodes.",
    ),
    (re.compile(r"Too many pods"), "Add nodes: those that fit run as many pods as they may."),
)


def unschedulable(case: PodCase) -> Verdict | None:
    """Tell why no node takes it."""
    pod = case.pod
    reason = text(pod.status, "reason")
    message = text(pod.status, "message").strip()
    if reason.startswith(_REFUSED) or message.startswith("Pod was rejected: "):
        short = reason.startswith(("OutOf", "Outof"))
        mend = "Ask for less, or give the node more room" if short else "Mend what the node names"
        refused = first_sentence(message.removeprefix("Pod was rejected: ")) or reason
        summary = f"its node refused the pod: {refused}"
        fix = f"{mend}; a controller makes a new pod by itself."
        return case.verdict("unschedulable", "certain", summary, [status_of(case)], fix)
    scheduled = pod.conditions.get("PodScheduled", {})
    event = case.last_of("FailedScheduling")
    if text(pod.spec, "nodeName") or pod.phase not in {"Pending", ""}:
        return None
    said = text(scheduled, "message") or (event.message if event else "")
    if text(scheduled, "status") != "False" and not event:
        if pod.phase != "Pending" or text(scheduled, "status") == "True":
            return None
        return case.verdict(
            "unschedulable",
            "possible",
            "the pod has no node yet, and nothing says why",
            [status_of(case)],
            "Is the scheduler running? Its events would tell: kubectl describe pod.",
        )
    evidence = [f"pod: PodScheduled False: {text(scheduled, 'reason')}"] if scheduled else []
    evidence += [told(event)] if event else [f"pod: {said}"]
    if text(scheduled, "reason") == "SchedulingGated":
        fix = "Whoever set its schedulingGates has to take them off."
        return case.verdict(
            "unschedulable", "certain", "the pod waits for its scheduling gates", evidence, fix
        )
    certainty: Certainty = "certain" if scheduled else "likely"
    summary = f"no node takes the pod: {first_sentence(said)}"
    return case.verdict("unschedulable", certainty, summary, evidence, _scheduling_fix(said))


def _scheduling_fix(said: str) -> str:
    for pattern, fix in _SCHEDULING:
        if found := pattern.search(said):
            return fix.format(**found.groupdict())
    return "Mend what the scheduler says of each node, or add nodes."


def volume(case: PodCase) -> Verdict | None:
    """Tell of a volume that cannot be mounted; nothing of the pod starts before."""
    event = case.last_of("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedBinding")
    if event is None or not _stands_before(case, event):
        return None
    said = _root_of(event.message)
    fix = "Mend what the message names; kubectl describe pvc tells more of a claim."
    missing = re.search(r"(configmap|secret) \"(?P<name>[^\"]+)\" not found", said)
    key = re.search(r"references non-existent (?:config|secret) key: (?P<key>\S+)", said)
    if missing:
        what = "Secret" if missing[1] == "secret" else "ConfigMap"
        fix = f"Create the {what} {missing['name']} in namespace {case.pod.namespace}."
    elif key:
        fix = f"Add the key {key['key']} to what the volume shows, or mend its items."
    elif "Multi-Attach" in said:
        fix = "Another node has the volume: wait, or end the pod there. Recreate suits it better."
    elif event.reason == "FailedAttachVolume":
        fix = "Look at the volume's driver and its node: kubectl get volumeattachment."
    states = [f"pod: {each.name} waits: {each.waiting[0]}" for each in case.pod.containers][:1]
    return case.verdict(
        "volume",
        "certain" if states and event.count > 1 else "likely",
        f"a volume cannot be mounted: {first_sentence(said)}",
        [*states, told(event)],
        fix,
    )


def sandbox(case: PodCase) -> Verdict | None:
    """Tell of a node that cannot set up the pod's network or sandbox."""
    event = case.last_of(*_SANDBOX)
    if event is None or not _stands_before(case, event):
        return None
    said = _root_of(event.message)
    return case.verdict(
        "node",
        "certain" if event.count > 1 else "likely",
        f"the node cannot set up the pod: {first_sentence(said)}",
        [f"pod: nothing of it has started on {text(case.pod.spec, 'nodeName')}", told(event)],
        "Look at the node's network plugin and container runtime; the worker is not at fault.",
    )


def _stands_before(case: PodCase, event: Event) -> bool:
    """Whether nothing of the pod has got beyond what the event tells."""
    pod = case.pod
    waits = {each.waiting[0] for each in pod.containers} <= {"", *_WAITS}
    began = any(each.running or each.deaths for each in pod.containers)
    later = case.last_of("Pulling", "Pulled", "Created", "Started")
    over = bool(later and later.last and event.last and later.last > event.last)
    return pod.phase in {"Pending", ""} and waits and not began and not over


def _root_of(message: str) -> str:
    """Return the last part of a chain of errors, which is what went wrong."""
    said = message.strip()
    found = re.search(
        r'MountVolume\.\S+ failed for volume "(?P<name>[^"]*)"\s*: (?P<what>.*)', said
    )
    return f"{found['name']}: {found['what']}" if found else said

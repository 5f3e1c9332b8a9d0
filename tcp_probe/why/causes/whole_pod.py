"""What happened to a pod as a whole: one function a cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tcp_probe.why.json_fields import number, text, texts, time
from tcp_probe.why.verdict import Cause, Certainty, Verdict
from tcp_probe.why.words import moment, span

if TYPE_CHECKING:
    from datetime import datetime

    from tcp_probe.why.events import Event, Events
    from tcp_probe.why.pod import Pod

# A deleted pod is gone soon after its grace; deletionTimestamp includes that.
_STUCK = timedelta(seconds=30)
_NODE_REASONS = {"NodeLost", "NodeShutdown", "Shutdown", "Terminated"}
_MEANT = "Nothing, where that was meant: kubectl delete, a rollout, a drain, or scaling down."


@dataclass(frozen=True)
class PodCase:
    """A pod, its events (None where they could not be read), and what time it is."""

    pod: Pod
    events: Events | None
    now: datetime | None

    def last_of(self, *reasons: str) -> Event | None:
        """Return the last event with one of these reasons."""
        found = self.events.reasons(*reasons) if self.events else []
        return found[-1] if found else None

    def verdict(
        self, cause: Cause, certainty: Certainty, summary: str, evidence: list[str], fix: str
    ) -> Verdict:
        """Make a verdict on the pod."""
        deaths = [each.deaths[0] for each in self.pod.containers if each.deaths]
        last = max((death.finished for death in deaths if death.finished), default=None)
        restarts = sum(container.restarts for container in self.pod.containers)
        return Verdict(
            cause, certainty, summary, tuple(evidence), fix, restarts=restarts, last=last
        )


def told(event: Event) -> str:
    """Write an event as a line of evidence."""
    return f"{event}: {event.message.strip()}"


def status_of(case: PodCase) -> str:
    """Write what the pod says of itself as a line of evidence."""
    pod = case.pod
    said = ": ".join(part for part in (text(pod.status, "reason"), _message(pod)) if part)
    return f"pod: phase {pod.phase or 'unknown'}{f', {said}' if said else ''}"


def _message(pod: Pod) -> str:
    return text(pod.status, "message").strip()


def _disruption(pod: Pod) -> tuple[str, str]:
    target = pod.conditions.get("DisruptionTarget", {})
    if text(target, "status") != "True":
        return "", ""
    return text(target, "reason"), text(target, "message").strip()


def evicted(case: PodCase) -> Verdict | None:
    """Tell of an eviction: by the node's kubelet, by the scheduler, by the eviction API."""
    reason = text(case.pod.status, "reason")
    disruption, message = _disruption(case.pod)
    event = case.last_of("Evicted", "Preempted", "Preempting")
    by_status = reason in {"Evicted", "Preempting"}
    by_disruption = disruption in {"PreemptionByScheduler", "EvictionByEvictionAPI"} or (
        disruption == "TerminationByKubelet"
        and reason not in _NODE_REASONS
        and "node shutdown" not in message
    )
    if not (by_status or by_disruption or event):
        return None
    evidence = [status_of(case)]
    if by_disruption:
        evidence.append(f"pod: DisruptionTarget, {disruption}: {message}")
    evidence += [told(event)] if event else []
    why = _message(case.pod) or message or (event.message.strip() if event else "")
    preempted = disruption == "PreemptionByScheduler" or bool(
        event and event.reason.startswith("Preempt")
    )
    # The condition is set first, and the pod deleted then, if that succeeds.
    ends = bool(text(case.pod.meta, "deletionTimestamp")) or case.pod.phase == "Failed"
    certainty: Certainty = "certain" if by_status or (by_disruption and ends) else "likely"
    summary = f"the pod was evicted: {first_sentence(why) or 'nothing says why'}"
    if disruption == "EvictionByEvictionAPI":
        summary = "the pod was evicted through the API: its node was drained, most likely"
    if preempted:
        summary = "the pod was preempted: one of higher priority needed its place"
    return case.verdict("evicted", certainty, summary, evidence, _eviction_fix(why, disruption))


def _eviction_fix(why: str, disruption: str) -> str:
    if disruption == "PreemptionByScheduler" or "reempt" in why:
        return "Give it a PriorityClass, or the cluster more room."
    if disruption == "EvictionByEvictionAPI":
        return "Somebody drained the node, or asked for it; a PodDisruptionBudget limits how many."
    if "EmptyDir" in why:
        return "Raise the emptyDir's sizeLimit, or write less into it."
    if "ephemeral" in why:
        return "Raise limits of ephemeral-storage, or write less: logs, /tmp, emptyDir volumes."
    if "memory" in why:
        return "Request as much memory as it uses: a node that runs short evicts by that first."
    return "Request what it uses of the resource that the node ran short of."


def deadline(case: PodCase) -> Verdict | None:
    """Tell that activeDeadlineSeconds are over."""
    if text(case.pod.status, "reason") != "DeadlineExceeded":
        return None
    allowed = number(case.pod.spec, "activeDeadlineSeconds")
    event = case.last_of("DeadlineExceeded")
    within = f" of {allowed} s" if allowed else ""
    return case.verdict(
        "deadline",
        "certain",
        f"the pod was ended: its activeDeadlineSeconds{within} are over",
        [status_of(case), *([told(event)] if event else [])],
        "Raise activeDeadlineSeconds, or find out what took so long: its log tells.",
    )


def node(case: PodCase) -> Verdict | None:
    """Tell of a node that was lost or shut down."""
    pod = case.pod
    reason = text(pod.status, "reason")
    disruption, message = _disruption(pod)
    name = text(pod.spec, "nodeName")
    lost = _lost(case)
    tainted = disruption == "DeletionByTaintManager"
    down = disruption in {"DeletionByPodGC", "TerminationByKubelet"}
    if reason in _NODE_REASONS or tainted or down or pod.phase == "Unknown":
        certainty: Certainty = "certain"
    elif lost:
        certainty = "likely"
    else:
        return None
    evidence = [status_of(case)]
    evidence += [f"pod: DisruptionTarget, {disruption}: {message}"] if disruption else []
    evidence += [told(lost)] if lost else []
    said = _message(pod) or message or "it stopped answering"
    what = f"was lost or shut down: {first_sentence(said)}"
    if tainted:
        what = "got a NoExecute taint: it was lost, or somebody tainted it"
    return case.verdict(
        "node",
        certainty,
        f"the node {name or 'it ran on'} {what}",
        evidence,
        f"Look at the node: kubectl describe node {name}. The worker is not at fault.".replace(
            " .", "."
        ),
    )


def _lost(case: PodCase) -> Event | None:
    """Return what tells that the node was lost, where nothing came from it since."""
    lost = case.last_of("NodeNotReady", "TaintManagerEviction")
    ready = text(case.pod.conditions.get("Ready", {}), "status")
    if lost is None or ready == "True" or "Cancelling" in lost.message:
        return None
    heard = [event.last for event in case.events.all if event.container] if case.events else []
    for each in case.pod.containers:
        heard += [each.running_since, *(death.finished for death in each.deaths)]
    return None if any(at and lost.last and at > lost.last for at in heard) else lost


def deleted(case: PodCase) -> Verdict | None:
    """Tell that somebody, or a controller, deleted it; perhaps it cannot go."""
    since = time(case.pod.meta, "deletionTimestamp")
    if since is None:
        return None
    finalizers = texts(case.pod.meta, "finalizers")
    left = [each.name for each in case.pod.containers if each.running]
    overdue = case.now - since if case.now else timedelta()
    evidence = [f"pod: to be gone by {moment(since)} (deletionTimestamp)"]
    evidence += [f"pod: finalizers: {', '.join(finalizers)}"] if finalizers else []
    evidence += [f"pod: still running: {', '.join(left)}"] if left else []
    failed = case.last_of("FailedKillPod")
    evidence += [told(failed)] if failed else []
    if overdue <= _STUCK:
        return case.verdict(
            "deleted",
            "certain",
            "the pod was deleted, and is ending",
            evidence,
            _MEANT,
        )
    evidence[0] += f", which was {span(overdue.total_seconds())} ago"
    if finalizers and not left:
        fix = "Mend the controller whose finalizer it is; only then is it taken off."
        stuck = f"a finalizer keeps it: {finalizers[0]}"
    else:
        fix = "Look at its node (kubectl get node): kubelet has not said that it ended."
        stuck = "its node has not said that it ended"
    return case.verdict(
        "deleted", "certain", f"the pod was deleted, and cannot go: {stuck}", evidence, fix
    )


def stopping(case: PodCase) -> Verdict | None:
    """Tell of a pod that is being ended, which only an event tells of yet."""
    events = case.events.reasons("Killing") if case.events else []
    told = [event for event in events if event.message.startswith("Stopping container")]
    running = {each.name: each.running_since for each in case.pod.containers if each.running}
    for event in reversed(told):
        since = running.get(event.container)
        if since and event.last and event.last >= since:
            return case.verdict(
                "deleted",
                "likely",
                "the pod is being ended: it was deleted, most likely, after this was read",
                [f"pod: {event.container} runs since {moment(since)}", str(event)],
                _MEANT,
            )
    return None


def gated(case: PodCase) -> Verdict | None:
    """Tell of a pod whose containers are ready, and which is not, by a readiness gate."""
    ready = case.pod.conditions.get("Ready", {})
    if text(ready, "reason") != "ReadinessGatesNotReady":
        return None
    return case.verdict(
        "readiness",
        "certain",
        "its containers are ready; a readiness gate of the pod is not met",
        [f"pod: Ready False: {text(ready, 'message')}"],
        "Look at the controller that sets the gate's condition: a load balancer, most likely.",
    )


def first_sentence(said: str) -> str:
    """Return the first sentence of a message, without its end."""
    sentence = re.split(r"(?<=[^.\s]{2})\. |\n", said.strip(), maxsplit=1)[0]
    return sentence.rstrip(". ")

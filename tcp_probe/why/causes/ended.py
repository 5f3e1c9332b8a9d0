"""How a container ended that no probe killed: memory, signal, exit code, clean end, node."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tcp_probe.diagnosis import fixes
from tcp_probe.diagnosis.log import Log
from tcp_probe.diagnosis.stack import Stack
from tcp_probe.kubelet.back_off import RESET
from tcp_probe.why.event_times import SLACK
from tcp_probe.why.events import total
from tcp_probe.why.json_fields import entries, mapping, number, text
from tcp_probe.why.kills import (
    candidates,
    failed_before,
    kill_of,
    none_could,
    not_killed,
    rests_as_after_its_own_end,
)
from tcp_probe.why.rehearsal import exit_rehearsal
from tcp_probe.why.words import SIGNALLED, code_of, signal_of, span

if TYPE_CHECKING:
    from tcp_probe.why.case import Case
    from tcp_probe.why.pod import Death
    from tcp_probe.why.verdict import Certainty, Verdict

_SIGKILL, _SIGTERM, _UNKNOWN = 137, 143, 255
# What a process does to itself; of the others somebody else was the sender.
_CRASHES = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS"}
# A program may exit with 129 and more on its own; these it rather was sent.
_SENT = {"SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM"}


def oom(case: Case) -> Verdict | None:
    """Tell of the memory limit."""
    death = case.death
    if death is None or death.reason != "OOMKilled":
        return None
    own = text(case.container.spec, "resources", "limits", "memory")
    # A pod as a whole may have a limit, too, of which its containers share what is left.
    limit = own or text(case.pod.spec, "resources", "limits", "memory")
    child = death.code != _SIGKILL
    whose = f"the memory limit of {limit}" if limit else "the memory of the node: it has no limit"
    summary = f"a child of it was killed at {whose}" if child else f"killed at {whose}"
    evidence = [case.ended]
    if child:
        evidence.append("pod: OOMKilled with another exit code: the kernel killed a child, not it")
    # The reason stays where a child was killed before, and a probe then killed the rest.
    kill = kill_of(case, death)
    killed = kill is not None and kill.certainty == "certain"
    if kill and killed:
        evidence += [*kill.evidence, f"event: then its {kill.kind} probe killed it"]
    fix = (fixes.OOM_CHILD if child else fixes.OOM).format(limit=limit or "not set")
    return case.verdict("oom", "likely" if killed else "certain", summary, evidence, fix)


def replaced(case: Case) -> Verdict | None:
    """Tell of a restart by kubelet itself: the definition was changed, or a resize wants it."""
    death = case.death
    told = case.events.reasons("Killing") if case.events else []
    for event in reversed(told):
        changed = "definition changed" in event.message or "resize" in event.message
        if changed and death and death.finished and event.last:
            grace = timedelta(seconds=case.container.grace()) + SLACK
            if death.finished - grace <= event.last <= death.finished + SLACK:
                return case.verdict(
                    "signal",
                    "certain",
                    "restarted by kubelet: the pod's definition was changed, or resized",
                    [case.ended, f"{event}: {event.message}"],
                    fixes.NONE,
                )
    return None


def sandbox_changed(case: Case) -> Verdict | None:
    """Tell of a pod that its node ended as a whole, to start it again: its sandbox was gone."""
    death = case.death
    told = case.pod_events.reasons("SandboxChanged") if case.pod_events else []
    grace = timedelta(seconds=case.container.grace()) + SLACK
    end = death.finished if death else None
    for event in told:
        if end and event.last and event.last - SLACK <= end <= event.last + grace:
            return case.verdict(
                "node",
                "certain",
                "ended with the whole pod, whose sandbox changed: its node started it again",
                [case.ended, f"{event}: {event.message}"],
                fixes.NODE,
            )
    return None


def forgotten(case: Case) -> Verdict | None:
    """Tell that it was restarted, and that nothing is kept of how it ended."""
    container = case.container
    waits = container.waiting[0] in {"", "CrashLoopBackOff"}
    if not container.restarts or container.deaths or not waits:
        return None
    return case.verdict(
        "unknown",
        "possible",
        "was restarted, and nothing is kept of how it ended",
        [case.ended],
        f"What would tell: its log, if the node still has it: {case.log_place}",
    )


def oom_child(case: Case) -> Verdict | None:
    """Tell of a child that the kernel kills while the container lives on: only its log tells."""
    log = case.current
    if not case.container.running or log is None or not log.child_killed:
        return None
    limit = text(case.container.spec, "resources", "limits", "memory")
    if not limit:
        return None
    return case.verdict(
        "oom",
        "likely" if log.child_killed > 1 else "possible",
        f"runs, but a child of it is killed again and again: its memory limit is {limit}",
        [
            f"spec: resources.limits.memory {limit}",
            f"log: {log.child_killed} lines tell of a child that SIGKILL ended (-9)",
            "pod: of a child that the kernel kills there is no event and no restart",
        ],
        fixes.OOM_CHILD.format(limit=limit),
    )


def node_lost(case: Case) -> Verdict | None:
    """Tell of a node that went away under it: nobody saw how it ended."""
    death = case.death
    if death is None:
        return None
    unseen = death.reason == "ContainerStatusUnknown"
    if not unseen and not (death.reason == "Unknown" and death.code == _UNKNOWN):
        return None
    return case.verdict(
        "node",
        "likely",
        "its node restarted, or lost track of it: nobody saw how it ended",
        [case.ended],
        fixes.NODE,
    )


def restarted_with_others(case: Case) -> Verdict | None:
    """Tell of a rule (RestartAllContainers) that ended all containers of the pod."""
    death = case.death
    if death is None or death.reason != "RestartingAllContainers":
        return None
    rules = [rule for rule in entries(case.container.spec, "restartPolicyRules") if _all(rule)]
    if not rules:
        owners = [
            each.name
            for each in case.pod.containers
            if any(map(_all, entries(each.spec, "restartPolicyRules")))
        ]
        owner = " or ".join(owners) or "another container"
        return case.verdict(
            "signal",
            "likely",
            f"ended along with the others: a restart rule of {owner} restarts all containers",
            [case.ended],
            f"Look at why {owner} ends.",
        )
    codes = mapping(rules[0], "exitCodes").get("values")
    return case.verdict(
        "exit",
        "likely",
        f"ended with an exit code of its rule RestartAllContainers: {codes}",
        [case.ended, "spec: restartPolicyRules: RestartAllContainers; it hides the exit code"],
        f"{fixes.EXIT_UNTOLD} {case.log_place}",
    )


def _all(rule: object) -> bool:
    return text(rule, "action") == "RestartAllContainers"


def ended_by_signal(case: Case) -> Verdict | None:
    """Tell of a signal that no probe sent."""
    death = case.death
    if death is None:
        return None
    name = signal_of(death.code) or signal_of(SIGNALLED + number(death.terminated, "signal"))
    if name not in _CRASHES | _SENT:
        return None
    stack = _stack(case)
    evidence = [case.ended]
    if name in {"SIGKILL", "SIGTERM"}:
        evidence.append(_no_probe(case, death))
    if name == "SIGKILL":
        evidence.append(
            "pod: the reason is not OOMKilled: it was not this container's memory limit"
        )
    evidence += [f"log: {stack.reason}"] if stack.reason else []
    where = stack.where or stack.reason or None
    crashed = "crashed" if name in _CRASHES else "ended"
    return case.verdict(
        "signal",
        "certain" if name in _CRASHES else "likely",
        f"{crashed} by {name}{', which no probe sent' if name in _SENT else ''}",
        evidence,
        fixes.SIGNALS.get(name, fixes.SIGNAL),
        where=where,
        stack=tuple(stack.shortened()),
        rehearse=exit_rehearsal(case, death),
    )


def exited(case: Case) -> Verdict | None:
    """Tell of an end by itself, with a code other than 0."""
    death = case.death
    if death is None or not death.code:
        return None
    stack = _stack(case)
    said = f": {stack.reason}" if stack.reason else ""
    init = "init container: " if case.container.role == "init" else ""
    evidence = [case.ended, _no_probe(case, death)]
    evidence += [f"log: {stack.reason}"] if stack.reason else []
    evidence += _message(case, stack)
    fix = fixes.CODES.get(death.code, fixes.EXIT if stack.reason else fixes.EXIT_UNTOLD)
    return case.verdict(
        "exit",
        _certainty(case, death),
        f"{init}ended by itself with {code_of(death.code)}{said}",
        evidence,
        f"{fix} {case.log_place}",
        where=stack.where or stack.reason or None,
        stack=tuple(stack.shortened()),
        rehearse=exit_rehearsal(case, death),
    )


def completed(case: Case) -> Verdict | None:
    """Tell of an end by itself, with 0, although it is to run for ever."""
    death = case.death
    if death is None or death.code or case.container.restart_policy != "Always":
        return None
    return case.verdict(
        "completed",
        _certainty(case, death),
        "ended by itself with exit code 0, although it is to run for ever",
        [case.ended, _no_probe(case, death), "spec: restartPolicy Always"],
        fixes.COMPLETED,
        rehearse=exit_rehearsal(case, death),
    )


def _certainty(case: Case, death: Death) -> Certainty:
    """Say how sure it is that it ended by itself: a probe's kill looks the same with code 0."""
    if none_could(case, death):
        return "certain"
    own_code = death.code not in {0, _SIGKILL, _SIGTERM}
    rests = rests_as_after_its_own_end(case, death) and not failed_before(case, death)
    # A back-off tells of the ends before as well; so something has to tell of this one.
    told = _stack(case).reason or (case.events and case.events.all)
    return "certain" if own_code and rests and told else "likely"


def _no_probe(case: Case, death: Death) -> str:
    if not any(kind in case.container.probes for kind in ("liveness", "startup")):
        return "spec: no liveness or startup probe, so none killed it"
    if not candidates(case, death):
        carried = "" if none_could(case, death) else ", unless checks had failed before its start"
        return f"spec: {span(death.life or 0)} are too short for its probes to kill it{carried}"
    if case.events is None:
        return "spec: its probes may have killed it; there are no events that say so"
    if total(case.events.reasons("Started")) > case.container.restarts:
        return "event: each Started came, and no Killing by a probe with them"
    rests = case.container.back_off
    if rests and (death.life or 0) < RESET and not_killed(case, death):
        return f"pod: a back-off of {span(rests)} is that of a container that ends by itself"
    return "event: no Killing by a probe came, which alone proves nothing"


def _stack(case: Case) -> Stack:
    for words in (Log(case.message) if case.message else None, case.log):
        if words and words.failure:
            return words.failure
    return Stack("")


def _message(case: Case, stack: Stack) -> list[str]:
    """Quote the termination message that the worker wrote, by its first line."""
    first = case.message.strip().partition("\n")[0]
    own = text(case.container.spec, "terminationMessagePolicy") != "FallbackToLogsOnError"
    if not first or not own or first in stack.reason:
        return []
    return [f"pod: its termination message: {first[:_LONGEST]}"]


_LONGEST = 160

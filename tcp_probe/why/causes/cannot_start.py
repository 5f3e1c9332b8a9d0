"""Why a container cannot be made or started: config, command, postStart hook."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from tcp_probe.why.event_times import SLACK
from tcp_probe.why.json_fields import find
from tcp_probe.why.words import moment

if TYPE_CHECKING:
    from tcp_probe.why.case import Case
    from tcp_probe.why.events import Event
    from tcp_probe.why.pod import Container
    from tcp_probe.why.verdict import Certainty, Verdict

_START_REASONS = {
    "RunContainerError",
    "CreateContainerError",
    "StartError",
    "ContainerCannotRun",
    "PreCreateHookError",
    "PreStartHookError",
    "ContainerCreateFailed",
}
_KEY = re.compile(
    r"(?:couldn't find key|references non-existent (?:secret|config) key:?) (?P<key>\S+)"
    r"(?: in (?P<kind>Secret|ConfigMap) (?P<namespace>[^/\s]+)/(?P<name>\S+))?"
)
_MISSING = re.compile(r'(?P<kind>secret|configmap) "(?P<name>[^"]+)" not found', re.IGNORECASE)
_COMMAND = re.compile(r'exec: "(?P<command>[^"]*)": (?P<why>[^:]*(?:: [^:]*)??)(?:: unknown)?$')
_CONFIG: tuple[tuple[str, str], ...] = (
    (
        r"runAsNonRoot|non-root|non-numeric user",
        "Set securityContext.runAsUser to a number other than 0, or mend the image's USER.",
    ),
    (r"subPath|subpath", "Mend the subPath of the volumeMount, or create what it names."),
    (r"serviceaccount|service account", "Create the service account, or mend its name."),
    (r"forbidden|cannot get resource", "Give the node, or the account, the right that is named."),
    (r"hostPath type check|is not a (?:directory|file)", "Mend the hostPath, or create it."),
)
_START: tuple[tuple[str, str], ...] = (
    (
        r"executable file not found|no such file or directory",
        "Mend the command, or the image: {command} is not in it, or not for its platform.",
    ),
    (
        r"permission denied",
        "Make {command} executable in the image (chmod +x), or allow its user to run it.",
    ),
    (
        r"exec format error",
        "Build the image for the node's platform, or give a script its #! line.",
    ),
    (r"no command specified", "Give the container a command: its image has none."),
    (r"chdir|workingDir|working directory", "Mend workingDir: its user cannot enter it."),
    (
        r"is already in use|name .* is reserved",
        "A container of that name is left: look at the node.",
    ),
    (r"not a directory|mount", "Mend the volumeMount: what it mounts and what is there differ."),
    (r"OOM|memory", "Raise the memory limit: the runtime itself does not fit into it."),
)


def config(case: Case) -> Verdict | None:
    """Tell of a Secret, a ConfigMap, one of their keys, or a securityContext that cannot be."""
    reason, message = case.container.waiting
    if reason not in {"CreateContainerConfigError", "CreatePodSandboxError"}:
        return None
    evidence = [f"pod: {case.container.name} waits: {reason}: {message.strip()}"]
    told = case.events.reasons("Failed") if case.events else []
    evidence += [_line(told[-1], message.strip())] if told else []
    said = message.strip() or (told[-1].message.removeprefix("Error: ") if told else "")
    return case.verdict(
        "config",
        "certain",
        f"the container cannot be made: {said or 'nothing says why'}",
        evidence,
        _config_fix(case, said),
    )


def _config_fix(case: Case, said: str) -> str:
    namespace = case.pod.namespace
    if found := _KEY.search(said):
        kind, name = found["kind"] or "Secret or ConfigMap", found["name"] or "it names"
        return f"Add the key {found['key']} to the {kind} {name} in {namespace}, or mend the key."
    if found := _MISSING.search(said):
        kind = "ConfigMap" if found["kind"].lower() == "configmap" else "Secret"
        return (
            f"Create the {kind} {found['name']} in namespace {namespace}, or mend its name in the "
            "pod. The container starts within two minutes of it."
        )
    return _first(_CONFIG, said) or "Mend what the message names."


def start(case: Case) -> Verdict | None:
    """Tell of a command: missing, not executable, or refused by the container runtime."""
    reason, message = case.container.waiting
    death = case.death
    if reason not in _START_REASONS:
        if death is None or death.reason not in _START_REASONS or case.container.running:
            return None
        reason, message = death.reason, death.message
    said = _short(message) or (_short(death.message) if death else "")
    evidence = [case.ended] if death else []
    evidence.append(f"pod: {reason}: {said or 'nothing is said'}")
    told = case.events.reasons("Failed") if case.events else []
    evidence += [_line(told[-1], said)] if told else []
    found = _COMMAND.search(said)
    command = found["command"] if found else "its command"
    short = f"{command}: {found['why']}" if found else said.rpartition("failed: ")[2] or reason
    fix = _first(_START, said) or "Mend what the message names."
    return case.verdict(
        "start",
        "certain",
        f"the container cannot start: {short}",
        evidence,
        fix.format(command=command),
    )


def hook(case: Case) -> Verdict | None:
    """Tell of a postStart hook that fails: kubelet ends the container for it."""
    post_start = find(case.container.spec, "lifecycle", "postStart")
    reason, message = case.container.waiting
    death = case.death
    told = case.events.reasons("FailedPostStartHook") if case.events else []
    recent = [event for event in told if death is None or _as_it_ended(event, case)]
    if reason == "PostStartHookError":
        certainty: Certainty = "certain"
    elif recent:
        certainty = "certain" if death else "likely"
    elif post_start and death and _never_began(case):
        certainty = "likely"
    else:
        return None
    evidence = [case.ended] if death else []
    evidence += [f"pod: waits: {reason}: {message}"] if reason == "PostStartHookError" else []
    evidence += [_line(told[-1], "")] if told else []
    if certainty == "likely":
        evidence.append(
            "pod: never ready, though no probe keeps it from that: its hook never ended"
        )
    kind = next((name for name in ("exec", "httpGet", "sleep") if find(post_start, name)), "")
    what = f" ({kind})" if kind else ""
    return case.verdict(
        "hook",
        certainty,
        f"ended because its postStart hook{what} fails",
        evidence,
        "Run the hook by hand in the image: its exit code has to be 0, and what it needs be there.",
    )


def _as_it_ended(event: Event, case: Case) -> bool:
    death = case.death
    if death is None or death.finished is None or event.last is None:
        return False
    grace = timedelta(seconds=case.container.grace()) + SLACK
    if event.first and event.count > 1 and event.first <= death.finished <= event.last:
        return True
    return death.finished - grace <= event.last <= death.finished + SLACK


def _never_began(case: Case) -> bool:
    """Whether it cannot have got beyond its hook: it was never ready, and no probe is why."""
    probes = case.container.probes
    return (
        case.pod.never_ready
        and case.container.alone
        and not case.container.running
        and "startup" not in probes
        and "readiness" not in probes
    )


def _line(event: Event, known: str) -> str:
    """Write an event; where it says what is known already, it says so."""
    said = event.message.strip()
    return f"{event}: {'the same' if known and known in said else said}"


def _short(message: str) -> str:
    """Leave out what every message of the container runtime begins and ends with."""
    said = message.strip().rpartition("unable to start container process: ")[2]
    return said.removesuffix(": unknown")


def _first(known: tuple[tuple[str, str], ...], said: str) -> str:
    return next((fix for pattern, fix in known if re.search(pattern, said)), "")


def waits(case: Case) -> Verdict | None:
    """Tell that it waits to start, and nothing says for what."""
    reason, message = case.container.waiting
    if reason in {"", "CrashLoopBackOff"} or (reason == "PodInitializing" and not message):
        return None
    if case.container.role == "app" and any(map(_stands_before_others, case.pod.containers)):
        return None
    said = f": {message.strip()}" if message.strip() else ""
    return case.verdict(
        "unknown",
        "possible",
        f"waits to start ({reason}), and nothing read here says for what",
        [f"pod: {case.container.name} waits: {reason}{said}"],
        "Its events tell (kubectl describe pod): a volume, the image, or the node's network.",
    )


def initializing(case: Case) -> Verdict | None:
    """Tell of an init container that still runs: what comes after it waits."""
    container = case.container
    if container.role != "init" or not container.running or container.ready:
        return None
    return case.verdict(
        "unknown",
        "possible",
        f"the init container still runs, since {moment(container.running_since)}; the others wait",
        [f"pod: {container.name} runs, and has not ended yet"],
        f"Its log tells what it waits for: {case.place_of_log(previous=False)}",
    )


def _stands_before_others(container: Container) -> bool:
    return container.role == "init" and not container.ready

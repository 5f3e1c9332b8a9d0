"""The command line that reproduces a verdict here, on a virtual clock."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcp_probe.kubelet.recognise import Check

    from .case import Case
    from .kills import Kill
    from .pod import Death

# Never, as far as a rehearsal of two minutes is concerned.
_NEVER = 9999
_SIGKILL = 137
_STATUS = re.compile(r"statuscode: (\d+)")


def rehearsal(
    case: Case, kill: Kill, check: Check | None, detail: str, *, never_answered: bool
) -> str | None:
    """Return what shows the same kill; None where the worker cannot be described so."""
    probe, death = case.container.probes[kill.kind], case.death
    if death is None or death.life is None:
        return None
    # On average the first check fails half a period after the fault.
    fails = (probe.threshold - 1) * probe.period + probe.period / 2
    fault = 0 if never_answered else max(round((killed_after(case, kill) or 0) - fails), 0)
    words = _words(check, detail, fault)
    if check == "refused" and never_answered:
        words = f"start={_NEVER}"
    end = "" if check == "timed out" else _end(death.code)
    return words and _command(case, words + end, death.life)


def _words(check: Check | None, detail: str, fault: int) -> str | None:
    """Say in the words of a rehearsal what happened to the checks from then on."""
    status = _STATUS.search(detail)
    serves = "NOT_SERVING" if "NOT_SERVING" in detail else "silent"
    known: dict[Check | None, str] = {
        "refused": f"close={fault}",
        "timed out": f"hang={fault},backlog=0",  # and takes SIGTERM as its image does
        "reset": f"http={fault}:close",
        "command": f"exec={fault}:1",
        "grpc": f"grpc={fault}:{serves}",
    }
    if status:
        known["status"] = f"http={fault}:{status[1]}"
    return known.get(check)


def _end(code: int) -> str:
    """Say how the worker takes SIGTERM: not at all, or with that code."""
    if code == _SIGKILL:
        return ",term=99"
    return f",term=0:{code}" if code else ""


def killed_after(case: Case, kill: Kill) -> float | None:
    """Return how long after its start the container was sent SIGTERM; None where nothing tells."""
    death = case.death
    if kill.ongoing or death is None:
        since = case.container.running_since
        return (kill.at - since).total_seconds() if since and kill.at else None
    if death.started and death.finished and kill.at and kill.at <= death.finished:
        return (kill.at - death.started).total_seconds()
    if death.life is None:
        return None
    return death.life - (case.container.grace(kill.kind) if death.code == _SIGKILL else 0)


def exit_rehearsal(case: Case, death: Death) -> str | None:
    """Return what shows a container that ends by itself like this one."""
    if death.life is None or case.container.role == "init" or not case.container.probes:
        return None
    return _command(case, f"exit={death.life:g}:{death.code}", death.life)


def _command(case: Case, words: str, life: float) -> str:
    pod = case.pod
    get = shlex.join(["kubectl", "get", "pod", pod.name, "-n", pod.namespace, "-o", "json"])
    manifest = case.source or "-"
    command = ["tcp-probe", "rehearse", manifest, "--container", case.container.name]
    seconds = max(120, 10 * round(life / 2))
    rest = ["--virtual", "--for", str(seconds), "--worker", words]
    rehearse = shlex.join([*command, *rest])
    return rehearse if case.source else f"{get} | {rehearse}"

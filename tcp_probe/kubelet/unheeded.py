from __future__ import annotations

from typing import TYPE_CHECKING

from .handlers import Sleep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .handlers import Hook
    from .steps import Container
    from .versions import Change, Rules


def unheeded(container: Container, hooks: Sequence[Hook | None], rules: Rules) -> list[str]:
    """Say which fields of a container its Kubernetes drops or refuses, being too old for them.

    >>> unheeded(Container("worker", stop_signal="SIGUSR1"), (), Rules(minor=36))
    ['lifecycle.stopSignal is not heeded in Kubernetes 1.36, only from 1.37 on']
    """
    return [
        f"{field} is not heeded in Kubernetes {rules}, only from 1.{rules.since(change)} on"
        for field, change in _fields(container, hooks)
        if not rules.has(change)
    ]


def _fields(container: Container, hooks: Sequence[Hook | None]) -> Iterator[tuple[str, Change]]:
    sleeps = [hook.seconds for hook in hooks if isinstance(hook, Sleep)]
    if container.sidecar:
        yield "restartPolicy Always of an init container", "sidecars"
    if container.own_restart_policy:
        yield "a container's own restartPolicy", "own restart policy"
    if container.restart_rules:
        yield "restartPolicyRules", "own restart policy"
    if any(rule.action == "RestartAllContainers" for rule in container.restart_rules):
        yield "the action RestartAllContainers", "restart all"
    if container.stop_signal != "SIGTERM":
        yield "lifecycle.stopSignal", "stop signal"
    if sleeps:
        yield "a hook that sleeps", "sleep"
    if 0 in sleeps:
        yield "a hook that sleeps for 0 s", "sleep of zero"

from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe.kubelet.handlers import Exec

from .predicted_command import predict
from .virtual import init_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcp_probe.manifest.workload import Workload

    from .worker_script import WorkerScript


def assumed(workload: Workload, script: WorkerScript) -> Iterator[str]:
    """Say what a simulation takes for granted, as neither the manifest nor the script tells it."""
    for name, takes in init_seconds(workload):
        if takes is None:
            yield f"init container {name}: how long it takes is not known, taken as 0 s"
    for kind, handler in workload.handlers.items():
        if isinstance(handler, Exec) and not script.exec and _unknown(handler):
            yield (
                f"{kind} probe: what {handler.command[0]!r} does is not known, taken to pass while "
                "the worker listens (exec= tells)"
            )
    hooks = (
        ("post_start", "postStart", workload.post_start, script.post_start),
        ("pre_stop", "preStop", workload.pre_stop, script.pre_stop),
    )
    for word, name, hook, told in hooks:
        if isinstance(hook, Exec) and told is None and _unknown(hook):
            yield (
                f"{name} hook: how long {hook.command[0]!r} takes is not known, taken as 0 s "
                f"({word}= tells)"
            )


def _unknown(command: Exec) -> bool:
    return predict(command.command, lambda *_: (0.0, "")) is None

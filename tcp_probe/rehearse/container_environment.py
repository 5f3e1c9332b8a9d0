from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from tcp_probe.manifest.environment import search_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tcp_probe.manifest.workload import Workload

# Where the listener is told to leave a termination message.
TERMINATION_LOG = "TCP_PROBE_TERMINATION_LOG"


def container_environment(workload: Workload, address: str) -> dict[str, str]:
    """Return the environment in which a container is run here.

    The one of this shell, under what the manifest says, with what a pod knows of itself.
    """
    # Without it a Python worker, whose output is a pipe here, would print at its end only.
    defaults = {"PYTHONUNBUFFERED": "1"}
    path = {"PATH": search_path()}
    return {**defaults, **os.environ, **path, **workload.env, **of_the_pod(workload, address)}


def of_the_pod(workload: Workload, address: str) -> Mapping[str, str]:
    """Return the variables that tell a container about its own pod, as far as there is one here."""
    return dict(_of_the_pod(workload, address))


def _of_the_pod(workload: Workload, address: str) -> Iterator[tuple[str, str]]:
    choice = workload.choice
    values = {
        "metadata.name": choice.name,
        "metadata.namespace": choice.resource.effective_namespace,
        "spec.nodeName": socket.gethostname(),
        "status.hostIP": address,
        "status.hostIPs": address,
        "status.podIP": address,
        "status.podIPs": address,
    }
    for variable in choice.container.items_of("env"):
        path = variable.find("valueFrom", "fieldRef", "fieldPath")
        if path and path.value in values:
            yield variable.need("name").text(), values[path.value]

"""What a manifest tells of the worker in a container, apart from its probes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcp_probe.manifest.workload import Workload

TCP_PROBE = re.compile(r"tcp[-_]probe", re.IGNORECASE)
CLAUDE = re.compile(r"claude|anthropic", re.IGNORECASE)
# The Claude Agent SDK closes its CLI in up to 10 s: 5 s of waiting, SIGTERM, 5 s more, SIGKILL.
CLAUDE_CLEAN_END = 11.0


def uses_tcp_probe(workload: Workload) -> bool:
    """Say whether `tcp_probe.serve` answers the probes, as far as the manifest tells.

    It does so by its command, a variable, its image, or the annotation `tcp-probe/worker`.
    """
    return any(map(TCP_PROBE.search, _texts(workload)))


def clean_end(workload: Workload) -> float | None:
    """Return how long the worker needs to end, in seconds; None where nothing tells."""
    return CLAUDE_CLEAN_END if any(map(CLAUDE.search, _texts(workload))) else None


def _texts(workload: Workload) -> Iterator[str]:
    container = workload.choice.container
    image, arguments = container.get("image"), container.get("args")
    yield from workload.command
    yield from arguments.texts() if arguments else ()
    yield image.text() if image else ""
    for name, value in workload.env.items():
        yield f"{name}={value}"
    yield from workload.unresolved
    annotations = workload.choice.pod.find("metadata", "annotations")
    yield from annotations.mapping() if annotations else ()

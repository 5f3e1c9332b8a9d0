from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcp_probe._defaults import BACKLOG, STALL_TIMEOUT
from tcp_probe.kubelet.versions import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Settings:
    """What is known beside the manifest; None for what the manifest is to tell.

    `backlog` and `stall_timeout` are what `tcp_probe.serve` gets, `clean_end` is how long the
    worker needs to end (s), `version` the minor version of the cluster, `template` where kinds that
    Kubernetes does not have itself hold their pod.
    """

    tcp_probe: bool | None = None
    backlog: int = BACKLOG
    stall_timeout: float = STALL_TIMEOUT
    clean_end: float | None = None
    version: int | None = None
    template: Sequence[str] | None = None

    @property
    def rules(self) -> Rules:
        """Kubelet's rules of that version, or of the newest one."""
        return Rules() if self.version is None else Rules(self.version)

from __future__ import annotations

import pytest

from tcp_probe.kubelet.handlers import Exec, Sleep
from tcp_probe.kubelet.restart_policy import RestartRule
from tcp_probe.kubelet.steps import Container
from tcp_probe.kubelet.unheeded import unheeded
from tcp_probe.kubelet.versions import NEWEST, OLDEST, Rules

EVERYTHING = Container(
    "worker",
    own_restart_policy="Never",
    restart_rules=(RestartRule("RestartAllContainers", frozenset({42})),),
    sidecar=True,
    stop_signal="SIGUSR1",
)
HOOKS = (Sleep(0), Exec(("true",)), None)


def test_the_newest_heeds_everything() -> None:
    """There is nothing to tell then."""
    assert unheeded(EVERYTHING, HOOKS, Rules(NEWEST)) == []
    assert unheeded(Container("worker"), (), Rules(OLDEST)) == []


@pytest.mark.parametrize(
    ("minor", "fields"), [(36, 1), (35, 2), (34, 4), (32, 5), (29, 6), (28, 7)]
)
def test_an_older_one_passes_over_some(minor: int, fields: int) -> None:
    """Each is told with the version that has it."""
    told = unheeded(EVERYTHING, HOOKS, Rules(minor))
    assert len(told) == fields
    assert told[-1 if minor < 33 else told.index(told[-1])].count(f"Kubernetes 1.{minor}") == 1
    assert (
        f"lifecycle.stopSignal is not heeded in Kubernetes 1.{minor}, only from 1.37 on"
    ) in told

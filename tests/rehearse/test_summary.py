from __future__ import annotations

import pytest

from tcp_probe.kubelet.messages import CONTAINER_EXITED
from tcp_probe.kubelet.state_machine import Kubelet
from tcp_probe.kubelet.steps import Container, Event, Outcome
from tcp_probe.rehearse.summary import Summary, age

EXITED = "Container worker exited with code 1"


def told(*events: tuple[float, str, str, int]) -> Summary:
    summary = Summary("worker")
    for time, reason, message, restarts in events:
        summary.add(Event(time, "Normal", reason, message, restarts))
    return summary


def test_each_restart_is_told_with_its_cause() -> None:
    """A kill with what the probe saw, an exit with its code; readiness kills nothing."""
    summary = told(
        (0, "Started", "", 0),
        (1, "Ready", "", 0),
        (5, "Unhealthy", "Liveness probe failed: refused", 0),
        (5, "Unhealthy", "Readiness probe failed: refused", 0),
        (5, "Killing", "", 0),
        (6, "Exited", "Container worker exited with code 137", 0),
        (6, "Started", "", 1),
        (7, "Ready", "", 1),
        (8, "Exited", "Container worker exited with code 1", 1),
        (9, "Started", "", 2),
    )
    assert summary.story() == [
        "ready after 1.0 s",
        "2 restarts",
        "  1 x Liveness probe failed: refused",
        "  1 x Container worker exited with code 1",
    ]


def test_a_container_that_was_never_ready_is_told() -> None:
    """And one restart is one."""
    summary = told((0, "Started", "", 0), (1, "Exited", EXITED, 0), (2, "Started", "", 1))
    assert summary.story() == ["never ready", "1 restart", f"  1 x {EXITED}"]
    assert summary.exit_status == 1


@pytest.mark.parametrize(
    ("reason", "status"), [("Killing", 1), ("BackOff", 1), ("Exited", 0), ("NotReady", 0)]
)
def test_a_kill_or_a_back_off_is_told_by_the_exit_status(reason: str, status: int) -> None:
    """An exit alone is none of them."""
    events = ((0, "Started", "", 0), (0, "Ready", "", 0), (1, reason, EXITED, 0))
    assert told(*events).exit_status == status


@pytest.mark.parametrize(("code", "status"), [(0, 0), (3, 1)])
def test_how_a_pod_ended_for_good_is_told_by_the_exit_status(code: int, status: int) -> None:
    """With an error it is none that is well."""
    kubelet = Kubelet(Container("worker", restart_policy="Never"))
    kubelet.start(0)
    kubelet.started(0)
    kubelet.exited(10, code)
    kubelet.wake(12)
    summary = told((0, "Started", "", 0), (0, "Ready", "", 0))
    summary.end(kubelet)
    assert summary.exit_status == status


def test_a_probe_without_a_check_is_told() -> None:
    """In a rehearsal that is shorter than its period nothing is said of it otherwise."""
    summary = Summary("worker", {"liveness": "exec", "readiness": "exec"})
    summary.check("readiness", Outcome(success=True))
    assert "the liveness probe was not checked in this time" in summary.story()


def test_a_command_that_only_came_too_late_is_no_check() -> None:
    """Its container had ended: that says nothing of the worker."""
    summary = Summary("worker", {"liveness": "exec"})
    summary.check("liveness", Outcome(success=None, message=CONTAINER_EXITED))
    assert summary.unchecked == ["liveness"]


def test_an_init_container_is_not_to_become_ready() -> None:
    """Only to end."""
    summary = Summary("worker", awaited=False)
    assert summary.story() == ["no restarts"]
    assert summary.exit_status == 0


def test_the_pod_is_shown_as_kubectl_shows_it() -> None:
    """Restarts with the time since the last exit."""
    kubelet = Kubelet(Container("worker"))
    kubelet.start(0)
    kubelet.started(0)
    kubelet.exited(10, 1)
    kubelet.started(11)
    kubelet.wake(12)
    summary = told((10, "Exited", EXITED, 0))
    assert summary.pod(kubelet, 100) == {
        "NAME": "worker",
        "READY": "1/1",
        "STATUS": "Running",
        "RESTARTS": "1 (90s ago)",
        "AGE": "100s",
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.9, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (330, "5m30s"),
        (3599, "59m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (9 * 3600 + 300, "9h"),
    ],
)
def test_ages_are_written_as_kubectl_writes_them(seconds: float, text: str) -> None:
    """The longer, the coarser."""
    assert age(seconds) == text

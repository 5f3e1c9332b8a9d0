from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.rehearse.command import rehearse

ROOT = Path(__file__).parents[2]
LAB = ROOT / "manifests" / "lab"
REFUSED = "connect: connection refused"
# Restarted at once, the Pod stays ready: kubelet has not seen it without a running container.
PLOT = ("Started", "Ready", "Killing", "Exited", "Started")
Event = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What a Pod must tell; `worker` describes it for `--virtual`, `log` is a pattern."""

    worker: str
    failure: str = REFUSED
    exit_code: int = 143
    log: str = ""
    plot: tuple[str, ...] = PLOT


STORIES = {
    "wrong-port": Story("port=9090", failure=f":9099: {REFUSED}"),
    "slow-start-killed": Story("start=8"),
    "slow-start-saved": Story("start=8", plot=("Started", "Ready")),
    "hung-loop": Story(
        "close=6.5,term=99",
        exit_code=137,
        log="the event loop has not run for 3 s.*in main.*in synchronous_call",
    ),
    "silent-worker": Story("close=6", log="no reset for 3 s.*in main.*in call_without_timeout"),
    "finished-worker": Story("close=3", log="refuses checks: the worker has ended"),
    "fds-exhausted": Story("hang=3", failure="i/o timeout", log="Too many open files"),
}
KILLED = [name for name, story in STORIES.items() if "Killing" in story.plot]


def plot(events: list[Event]) -> tuple[str, ...]:
    """Tell what became of the container, in short."""
    told: list[str] = []
    for event in events:
        if event["reason"] in PLOT and event["reason"] not in told[-1:]:
            told.append(event["reason"])
    return tuple(told)


def test_every_pod_of_the_lab_is_rehearsed(rendered: Callable[[str], list[Event]]) -> None:
    """`kubectl apply -k manifests/lab` starts every Pod that is there, and each has a test."""
    names = {path.stem for path in LAB.glob("*.yaml")} - {"kustomization"}
    assert {document["metadata"]["name"] for document in rendered("lab")} == names
    assert names == {"claude-worker", *STORIES}


def test_the_claude_worker_does_its_jobs_all_the_same(rehearsed: Callable[[str], Any]) -> None:
    """Stuck at the second job, it is restarted, and then does that job and the last one."""
    rehearsal = rehearsed("claude-worker")
    rehearsal.until_logged("3: done")
    rehearsal.until(lambda events: plot(events) == PLOT)
    told = ("1: done", "no reset for 6 s", "in wait_for_a_lost_reply", "2: done", "3: done")
    assert re.search(".*".join(told), rehearsal.log, re.DOTALL)


@pytest.mark.parametrize("name", STORIES)
def test_a_pod_tells_its_story(name: str, rehearsed: Callable[[str], Any]) -> None:
    """The real worker is killed for its own reason, which its log tells, or else becomes ready."""
    story, rehearsal = STORIES[name], rehearsed(name)
    # All is well only where the liveness probe was asked, every 2 s.
    then = 0 if name in KILLED else 5
    events = rehearsal.until(lambda events: plot(events) == story.plot, then=then)
    assert re.search(story.log, rehearsal.log, re.DOTALL)
    if name in KILLED:
        killing = next(i for i, event in enumerate(events) if event["reason"] == "Killing")
        failures = [
            event["message"] for event in events[:killing] if "Liveness probe" in event["message"]
        ]
        assert len(failures) >= 3
        assert all(message.endswith(story.failure) for message in failures[-3:])
        (exit_,) = [event for event in events if event["reason"] == "Exited"]
        assert exit_["message"].endswith(f"exited with code {story.exit_code}")
    assert rehearsal.process.returncode == int(name in KILLED)


@pytest.mark.parametrize("name", STORIES)
def test_the_simulated_worker_tells_the_same_story(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--virtual` comes to the same end, and within an hour to the longest back-off."""
    story = STORIES[name]
    arguments = [str(LAB / f"{name}.yaml"), "--json", "--virtual", "--worker", story.worker]
    status = rehearse(arguments)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert plot(events)[: len(story.plot)] == story.plot
    backed_off = any(event.get("delay") == 300 for event in events)
    assert backed_off == (name in KILLED)
    assert status == int(name in KILLED)

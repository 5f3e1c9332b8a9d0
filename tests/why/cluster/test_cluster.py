from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why import kubectl as calls
from tcp_probe.why.command import why

Ask = Callable[..., dict[str, Any]]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]

ENDED = {"terminated": {"exitCode": 1, "reason": "Error"}}


def complaint(capsys: Output, *arguments: str) -> str:
    """Run `why`, which cannot do it, and return what it says."""
    assert why(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err.strip()


def causes(said: dict[str, Any]) -> dict[str, list[str]]:
    return {pod["name"]: [verdict["cause"] for verdict in pod["verdicts"]] for pod in said["pods"]}


def test_a_pod_is_read_with_its_events_and_logs(recorded_cluster: Any, ask: Ask) -> None:
    """The verdict is that of the recording, with the stack from the log before the restart."""
    said = ask("claude-worker", "-n", "lab4")
    (verdict,) = said["pods"][0]["verdicts"]
    assert verdict["cause"] == "liveness"
    assert verdict["certainty"] == "certain"
    assert "faults.py:55 in wait_for_a_lost_reply" in verdict["evidence"][-1]
    assert said["missing"] == []
    assert said["status"] == 1


def test_few_calls_are_made_for_one_pod(recorded_cluster: Any, ask: Ask) -> None:
    """One for the pod, one for its events, two for each of its two logs: kubectl asks twice."""
    ask("claude-worker", "-n", "lab4")
    assert len(recorded_cluster.asked) == 6


@pytest.mark.parametrize("name", ["job/job-never", "jobs/job-never"])
def test_the_pods_of_a_job_are_found(name: str, recorded_cluster: Any, ask: Ask) -> None:
    """By the name of the Job; what the Job says of itself is evidence."""
    for each in recorded_cluster.objects:
        if each["metadata"]["name"].startswith("job-never-"):
            each["metadata"]["labels"] = {"job-name": "job-never"}
    said = ask(name, "-n", "jobs")
    (verdict,) = said["pods"][0]["verdicts"]
    assert verdict["cause"] == "liveness"
    assert any("Job job-never is Complete" in line for line in verdict["evidence"])


def test_a_job_without_pods_is_told_by_its_events(recorded_cluster: Any, ask: Ask) -> None:
    """The events name the pod that is gone, and the probe that killed it."""
    said = ask("job/job-onfailure", "-n", "jobs")
    assert causes(said) == {"job-onfailure-7j5kz": ["liveness"]}


def test_the_pods_of_a_deployment_are_found(cluster: Any, ask: Ask, pod: Pod) -> None:
    """By its selector, in the namespace of the context."""
    labels = {"matchLabels": {"app": "web"}, "matchExpressions": []}
    named = {"name": "web", "namespace": "prod"}
    cluster.add("Deployment", [{"metadata": named, "spec": {"selector": labels}}])
    cluster.add("Pod", [pod(meta={"name": "web-1", "labels": {"app": "web"}})])
    cluster.add("Pod", [pod(meta={"name": "db-1", "labels": {"app": "db"}})])
    assert causes(ask("deployment/web")) == {"web-1": ["none"]}


def test_a_forbidden_log_and_events_leave_a_verdict(cluster: Any, ask: Ask, pod: Pod) -> None:
    """What may not be read is named; the verdict rests on the rest."""
    cluster.add("Pod", [pod({"waiting": {"reason": "CrashLoopBackOff"}}, ENDED, restarts=3)])
    cluster.forbidden = {"events", "pods/log"}
    said = ask("web")
    assert causes(said) == {"web": ["exit"]}
    assert said["missing"] == [
        "events: forbidden: you may not list events",
        "logs of app: forbidden: you may not list pods/log",
    ]


def test_forbidden_pods_are_no_access(cluster: Any, capsys: Output) -> None:
    """Exit 2, and the right that is missing."""
    cluster.forbidden = {"pods"}
    said = complaint(capsys, "web")
    assert said.endswith("the pods cannot be read: forbidden: you may not list pods")


def test_a_pod_that_does_not_exist_is_bad_input(cluster: Any, capsys: Output) -> None:
    """Exit 2, in the API server's words."""
    assert complaint(capsys, "web").endswith('the pods cannot be read: pods "web" not found')


def test_an_api_server_that_does_not_answer_is_given_up(
    cluster: Any, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request has a timeout of its own."""
    monkeypatch.setattr(calls, "REQUEST_TIMEOUT", 1)
    cluster.silent = {"pods"}
    begun = time.monotonic()
    assert "did not answer within 1 s" in complaint(capsys, "web")
    assert time.monotonic() - begun < 30


def test_a_missing_kubectl_is_named(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do instead."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "expected kubectl on the PATH, found none" in complaint(capsys, "web")


def test_a_thousand_pods_are_a_few_findings(cluster: Any, ask: Ask, pod: Pod) -> None:
    """Counted by cause and place, with a bounded number of calls."""
    owner = {"ownerReferences": [{"name": "web-7d4f"}]}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    trace = 'Traceback (most recent call last):\n  File "/app/w.py", line 7, in run\nKeyError: 1\n'
    crashing = [
        pod(waiting, ENDED, restarts=2, meta={"name": f"w{n}", **owner}) for n in range(900)
    ]
    cluster.add("Pod", crashing + [pod(meta={"name": f"ok{n}"}) for n in range(100)])
    cluster.logs = {(f"w{n}", "app", False): trace for n in range(900)}
    said = ask("-A")
    assert len(said["pods"]) == 1000
    assert said["groups"] == [
        {
            "cause": "exit",
            "check": None,
            "where": "/app/w.py:7 in run",
            "pods": 900,
            "restarts": 1800,
            "example": "prod/w0",
        }
    ]
    assert len(cluster.asked) <= 50
    assert json.dumps(said["missing"]).count("of 1000") == 1

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.why import kubectl as calls
from tcp_probe.why.cluster import term_of
from tcp_probe.why.command import why

Ask = Callable[..., dict[str, Any]]
Pod = Callable[..., dict[str, Any]]
Complaint = Callable[..., str]
Output = pytest.CaptureFixture[str]

ENDED = {"terminated": {"exitCode": 1, "reason": "Error"}}


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
    for name in ("web-1", "web-2", "db-1"):
        cluster.add("Pod", [pod(meta={"name": name, "labels": {"app": name[:-2]}})])
    assert causes(ask("deployment/web")) == {"web-1": ["none"], "web-2": ["none"]}


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


def test_forbidden_pods_are_no_access(cluster: Any, complaint: Complaint) -> None:
    """Exit 2, and the right that is missing."""
    cluster.forbidden = {"pods"}
    said = complaint("web")
    assert said.endswith("the pods cannot be read: forbidden: you may not list pods")


def test_a_pod_that_does_not_exist_is_bad_input(cluster: Any, complaint: Complaint) -> None:
    """Exit 2, in the API server's words."""
    assert complaint("web").endswith('the pods cannot be read: pods "web" not found')


def test_an_api_server_that_does_not_answer_is_given_up(
    cluster: Any, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request has a timeout of its own."""
    monkeypatch.setattr(calls, "REQUEST_TIMEOUT", 1)
    cluster.silent = {"pods"}
    begun = time.monotonic()
    assert "did not answer within 1 s" in complaint("web")
    assert time.monotonic() - begun < 30


def test_a_missing_kubectl_is_named(complaint: Complaint, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do instead."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "expected kubectl on the PATH, found none" in complaint("web")


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


@pytest.mark.parametrize(
    ("selector", "labels", "found"),
    [
        ({"matchLabels": {"app": "web"}}, {"app": "web"}, True),
        (
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]},
            {"app": "api"},
            True,
        ),
    ],
)
def test_a_selector_may_be_an_expression(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    selector: dict[str, Any],
    labels: dict[str, str],
    found: object,
    cluster: Any,
    ask: Ask,
    pod: Pod,
) -> None:
    """As a StatefulSet has it."""
    named = {"name": "web", "namespace": "prod"}
    cluster.add("StatefulSet", [{"metadata": named, "spec": {"selector": selector}}])
    cluster.add("Pod", [pod(meta={"name": "web-0", "labels": labels})])
    assert ("web-0" in causes(ask("sts/web"))) is found


@pytest.mark.parametrize(
    ("operator", "term"),
    [
        ("NotIn", "app notin (a,b)"),
        ("Exists", "app"),
        ("DoesNotExist", "!app"),
        ("In", "app in (a,b)"),
    ],
)
def test_each_kind_of_expression_is_asked(operator: str, term: str) -> None:
    """In the words of a label selector."""
    assert term_of({"key": "app", "operator": operator, "values": ["a", "b"]}) == term


def test_the_pods_of_a_service_are_found(cluster: Any, ask: Ask, pod: Pod) -> None:
    """Its selector is a mapping of labels."""
    named = {"name": "web", "namespace": "prod"}
    cluster.add("Service", [{"metadata": named, "spec": {"selector": {"app": "web"}}}])
    cluster.add("Pod", [pod(meta={"name": "web-1", "labels": {"app": "web"}})])
    assert causes(ask("svc/web")) == {"web-1": ["none"]}


def test_the_pods_of_a_cron_job_are_found(
    cluster: Any, ask: Ask, pod: Pod, complaint: Complaint
) -> None:
    """Through its Jobs; without one there are none."""
    cluster.add("CronJob", [{"metadata": {"name": "n", "namespace": "prod", "uid": "c"}}])
    assert "expected pods of cronjob/n, found none" in complaint("cronjob/n")
    owned = {"name": "n-1", "namespace": "prod", "ownerReferences": [{"uid": "c"}]}
    cluster.add("Job", [{"metadata": owned}, {"metadata": {"name": "m", "namespace": "prod"}}])
    cluster.add("Pod", [pod(meta={"name": "n-1-x", "labels": {"job-name": "n-1"}})])
    assert causes(ask("cronjob/n")) == {"n-1-x": ["none"]}


@pytest.mark.parametrize(
    ("spec", "conditions", "why_none"),
    [
        ({}, [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}], "quota"),
        ({"replicas": 0}, [{"type": "Available", "status": "True"}], "its replicas are 0"),
        ({"suspend": True}, [], "it is suspended"),
    ],
)
def test_a_workload_without_pods_says_why(
    spec: dict[str, Any],
    conditions: list[dict[str, Any]],
    why_none: str,
    cluster: Any,
    complaint: Complaint,
) -> None:
    """Where it wants none, or may not make them."""
    spec = {"selector": {"matchLabels": {"app": "web"}}, **spec}
    named = {"name": "web", "namespace": "prod"}
    cluster.add(
        "Deployment", [{"metadata": named, "spec": spec, "status": {"conditions": conditions}}]
    )
    assert why_none in complaint("deployment/web")


def test_a_kind_that_has_no_pods_is_bad_input(cluster: Any, complaint: Complaint) -> None:
    """It says what was expected."""
    cluster.add("Service", [{"metadata": {"name": "web", "namespace": "prod"}, "spec": {}}])
    said = complaint("service/web")
    assert said.endswith("expected a kind that selects pods, got Service/web")


def test_pods_are_found_by_their_labels(
    cluster: Any, ask: Ask, pod: Pod, complaint: Complaint
) -> None:
    """In the namespace that is named; where there are none it says so."""
    cluster.add("Pod", [pod(meta={"name": n, "labels": {"app": n}}) for n in ("web", "db")])
    assert causes(ask("-l", "app=db", "-n", "prod")) == {"db": ["none"]}
    said = complaint("-l", "app=db", "-n", "dev")
    assert said.endswith("expected pods of app=db, found none")
    assert complaint("-A", "-c", "nosuch").endswith("expected a container 'nosuch', found app")


def test_one_container_may_be_asked_for(cluster: Any, ask: Ask, pod: Pod) -> None:
    """Its logs only are read then."""
    made = pod()
    made["spec"]["containers"].append({"name": "side"})
    made["status"]["containerStatuses"].append(
        {"name": "side", "ready": True, "restartCount": 0, "state": {"running": {}}}
    )
    cluster.add("Pod", [made])
    ask("web", "-c", "side")
    assert sum("/log?" in path for path in cluster.asked) == 1


def test_the_context_is_passed_on(
    cluster: Any, ask: Ask, pod: Pod, complaint: Complaint, capsys: Output
) -> None:
    """To kubectl, and into the commands that are shown."""
    cluster.add("Pod", [pod(meta={"name": "a"}), pod({"waiting": {"reason": "InvalidImageName"}})])
    assert "context: nosuch" in complaint("web", "--context", "nosuch")
    assert why(["-A", "--context", "lab"]) == 1
    assert "  tcp-probe why web -n prod --context lab\n" in capsys.readouterr().out


def test_an_api_server_that_is_not_there_is_told(
    cluster: Any, complaint: Complaint, tmp_path: Path
) -> None:
    """In one line, without kubectl's own tries."""
    config = (tmp_path / "config").read_text()
    (tmp_path / "config").write_text(re.sub(r"127.0.0.1:\d+", "127.0.0.1:9", config))
    assert "the API server cannot be reached" in complaint("web")


def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, mode: int = 0o755) -> None:
    """Put something else in kubectl's place."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    program = tmp_path / "bin" / "kubectl"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(mode)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


def test_a_kubectl_that_says_something_else_is_told(
    tmp_path: Path, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No JSON, no word, no right to run it, or no end."""
    script(tmp_path, monkeypatch, "echo hello")
    assert "something that is not JSON" in complaint("web")
    script(tmp_path, monkeypatch, "exit 1")
    assert "kubectl failed, and said nothing" in complaint("web")
    script(tmp_path, monkeypatch, "echo 'error: \x1b[31mno' >&2; exit 1")
    assert complaint("web").endswith("the pods cannot be read: \\x1b[31mno")
    script(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(calls, "CALL_TIMEOUT", 0.2)
    assert "no answer within 0.2 s" in complaint("web")


def test_a_kubectl_that_cannot_be_run_is_told(
    tmp_path: Path, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not executable, or a program for another machine."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_bytes(b"\x7fELF")
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "kubectl cannot be run" in complaint("web")


def test_what_is_being_read_is_shown_on_a_terminal(
    cluster: Any, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, which is gone at the end."""
    cluster.add("Pod", [pod()])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert why(["web"]) == 0
    said = capsys.readouterr().err
    assert "reading pods ..." in said
    assert "reading events of 1 pods ..." in said
    assert said.endswith("\r\x1b[K")


def test_logs_that_differ_leave_the_place_open(cluster: Any, ask: Ask, pod: Pod) -> None:
    """Of a thousand pods two logs are read: where they do not agree, the others have no place."""
    owner = {"ownerReferences": [{"name": "web-7d4f"}]}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    cluster.add(
        "Pod",
        [pod(waiting, ENDED, restarts=2, meta={"name": f"w{n}", **owner}) for n in range(9)],
    )
    cluster.logs = {(f"w{n}", "app", False): f"fatal: reason {n}\n" for n in range(9)}
    groups = ask("-A")["groups"]
    assert [each["pods"] for each in groups] == [7, 1, 1]


def test_pods_that_need_no_log_are_told_without_any(cluster: Any, ask: Ask, pod: Pod) -> None:
    """An image that cannot be had is in the pod itself."""
    waiting = {"waiting": {"reason": "InvalidImageName"}}
    cluster.add("Pod", [pod(waiting, meta={"name": f"w{n}"}) for n in range(3)])
    ask("-A")
    ask("w0")
    assert not any("/log" in path for path in cluster.asked)

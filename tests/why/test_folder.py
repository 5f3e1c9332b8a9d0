from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.why.folder import LOG_TAIL

Ask = Callable[..., dict[str, Any]]
Recorded = Callable[..., Path]
Make = Callable[..., dict[str, Any]]
Complaint = Callable[..., str]

TRACE = 'Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\nValueError: no\n'


def write(folder: Path, name: str, document: Any) -> str:
    data = document if isinstance(document, str) else json.dumps(document)
    (folder / name).write_text(data, encoding="utf-8")
    return str(folder)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Give the command something on its standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_what_is_missing_is_named(tmp_path: Path, ask: Ask, pod: Make) -> None:
    """Events and logs; the verdict rests on the rest."""
    said = ask("--from", write(tmp_path, "pod.json", pod()))
    assert said["missing"] == [
        "events: there is no events.json",
        "logs: there is no logs-CONTAINER.txt",
    ]
    assert said["pods"][0]["verdicts"][0]["certainty"] == "likely"


def test_a_list_is_read_by_any_name(tmp_path: Path, ask: Ask, pod: Make) -> None:
    """As `kubectl get pods -o json` writes one; a second file adds to it."""
    pods = [pod(meta={"name": f"web-{n}"}) for n in range(2)]
    write(tmp_path, "pods-prod.json", {"kind": "List", "items": pods})
    write(tmp_path, "pods.json", {"items": [pod(meta={"name": "db"})]})
    said = ask("--from", str(tmp_path))
    assert [each["name"] for each in said["pods"]] == ["web-0", "web-1", "db"]


def test_one_of_many_pods_is_chosen(
    tmp_path: Path, ask: Ask, pod: Make, complaint: Complaint
) -> None:
    """By its name; another one is not there."""
    pods = [pod(meta={"name": f"web-{n}"}) for n in range(2)]
    folder = write(tmp_path, "pods.json", {"kind": "PodList", "items": pods})
    for name in ("web-1", "pod/web-1"):
        assert [each["name"] for each in ask("--from", folder, name)["pods"]] == ["web-1"]
    said = complaint("--from", folder, "web-7")
    assert said.endswith("expected a pod 'web-7', found web-0, web-1")


def test_one_of_many_containers_is_chosen(
    tmp_path: Path, ask: Ask, pod: Make, ended: Make, complaint: Complaint
) -> None:
    """By its name; another one is not there."""
    made = pod({"waiting": {"reason": "CrashLoopBackOff"}}, ended(1), restarts=2)
    made["spec"]["containers"].append({"name": "side"})
    folder = write(tmp_path, "pod.json", made)
    assert ask("--from", folder, "-c", "app")["pods"][0]["verdicts"][0]["cause"] == "exit"
    said = complaint("--from", folder, "-c", "nosuch")
    assert said.endswith("expected a container 'nosuch', found app, side")


def test_a_log_is_taken_from_its_end(tmp_path: Path, ask: Ask, pod: Make, ended: Make) -> None:
    """It may be of any length."""
    write(tmp_path, "pod.json", pod({"waiting": {"reason": "CrashLoopBackOff"}}, ended(1)))
    write(tmp_path, "logs-app.txt", "x" * (3 * LOG_TAIL) + "\n" + TRACE)
    assert "ValueError" in ask("--from", str(tmp_path))["pods"][0]["verdicts"][0]["summary"]


def test_a_log_of_bytes_is_read(tmp_path: Path, ask: Ask, pod: Make, ended: Make) -> None:
    """Whatever they are, and nothing of it reaches the terminal as it is."""
    write(tmp_path, "pod.json", pod({"waiting": {"reason": "CrashLoopBackOff"}}, ended(1)))
    (tmp_path / "logs-app.txt").write_bytes(bytes(range(256)) + b"\nfatal: \x1b[31mred\x9b\n")
    assert "\\x1b[31mred" in ask("--from", str(tmp_path))["pods"][0]["verdicts"][0]["summary"]


def test_what_cannot_be_read_is_missing(tmp_path: Path, ask: Ask, pod: Make) -> None:
    """A folder in a file's place, and events that are no JSON."""
    write(tmp_path, "pod.json", pod())
    write(tmp_path, "events.json", "{")
    (tmp_path / "logs-app.txt").mkdir()
    missing = ask("--from", str(tmp_path))["missing"]
    assert "events.json:1: expected JSON" in missing[0]
    assert missing[1] == "logs: logs-app.txt: is a directory"


def test_a_list_that_is_cut_off_is_named(tmp_path: Path, ask: Ask, pod: Make) -> None:
    """The API server gives long ones in parts, and this is not the last."""
    cut = {"metadata": {"continue": "eyJ2"}}
    write(tmp_path, "pods.json", {**cut, "kind": "List", "items": [pod()]})
    write(tmp_path, "events.json", {**cut, "items": []})
    missing = ask("--from", str(tmp_path))["missing"]
    assert missing[:2] == ["pods.json: the list is cut off", "events.json: the list is cut off"]


def test_a_folder_without_anything_is_bad_input(tmp_path: Path, complaint: Complaint) -> None:
    """It says what was expected there."""
    assert "expected a readable folder" in complaint("--from", str(tmp_path / "nosuch"))
    assert "found none of them" in complaint("--from", str(tmp_path))
    write(tmp_path, "pods.json", {"kind": "List", "items": []})
    assert "found an empty list" in complaint("--from", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{",
            "pod.json:1: expected JSON, as `kubectl get -o json` gives it, but: Expecting property",
        ),
        ('\n{"a" 1}', "pod.json:2: expected JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' + "9" * 5000 + "}", "or no JSON"),
        ("3", "expected a Pod or a List of them, got int"),
        ('{"kind": "Deployment"}', "expected a Pod or a List of them, got a Deployment"),
    ],
)
def test_a_pod_that_is_none_is_bad_input(
    text: str, problem: str, tmp_path: Path, complaint: Complaint
) -> None:
    """One line says where and what."""
    assert problem in complaint("--from", write(tmp_path, "pod.json", text))


def test_a_pod_that_cannot_be_read_is_bad_input(tmp_path: Path, complaint: Complaint) -> None:
    """It is a folder, for instance."""
    (tmp_path / "pod.json").mkdir()
    assert "expected a readable file, but: is a dir" in complaint("--from", str(tmp_path))


def test_a_pod_is_read_from_the_standard_input(
    stdin: Callable[[bytes], None], ask: Ask, pod: Make, complaint: Complaint
) -> None:
    """Also as PowerShell writes it; something else is bad input."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        stdin(json.dumps(pod()).encode(encoding))
        said = ask("-")
        assert said["pods"][0]["verdicts"][0]["cause"] == "none"
        assert said["missing"] == ["events: only a pod was given", "logs: only a pod was given"]
    stdin(b"")
    assert "<stdin>:1: expected JSON" in complaint("-")


def test_a_standard_input_that_cannot_be_read_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, complaint: Complaint
) -> None:
    """Where the shell closed it, or opened it for writing only."""
    monkeypatch.setattr(sys, "stdin", None)
    assert "<stdin>: expected a readable file, but: is closed" in complaint("-")
    null = Path(os.devnull)
    with null.open(encoding="utf-8") as given, null.open("w", encoding="utf-8") as written:
        os.dup2(written.fileno(), given.fileno())
        monkeypatch.setattr(sys, "stdin", given)
        assert "<stdin>: expected a readable file, but: " in complaint("-")


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"kind": "Pod"}, "without a name"),
        ({"kind": "Pod", "metadata": {"name": "web"}, "status": {}}, "web"),
        ({"items": [{"metadata": {"name": "web"}}]}, "web"),
    ],
)
def test_a_manifest_is_no_pod_that_ran(
    document: Any, name: str, stdin: Callable[[bytes], None], complaint: Complaint
) -> None:
    """Nothing is known of it: kubectl's output is asked for."""
    stdin(json.dumps(document).encode())
    told = complaint("-")
    assert f"<stdin>: expected the status of pod {name}, found none" in told
    assert "kubectl get pod NAME -o json" in told


def test_a_job_without_pods_is_judged_by_its_status(tmp_path: Path, ask: Ask) -> None:
    """Failed for its deadline, complete, or for what nothing tells any more."""
    job: dict[str, Any] = {"kind": "Job", "metadata": {"name": "nightly", "namespace": "prod"}}
    for kind, reason, status, cause in (
        ("Failed", "DeadlineExceeded", "True", "deadline"),
        ("Complete", "CompletionsReached", "True", "none"),
        ("Complete", "CompletionsReached", "False", "unknown"),
        ("Failed", "BackoffLimitExceeded", "True", "unknown"),
    ):
        job["status"] = {"conditions": [{"type": kind, "reason": reason, "status": status}]}
        (pod,) = ask("--from", write(tmp_path, "job.json", job))["pods"]
        assert pod["name"] == "nightly"
        assert pod["verdicts"][0]["cause"] == cause
    write(tmp_path, "events.json", {"items": []})
    assert "the log of its pods" in ask("--from", str(tmp_path))["pods"][0]["verdicts"][0]["fix"]


def test_a_job_that_is_nameless_is_judged(tmp_path: Path, ask: Ask) -> None:
    """Nothing of it has to be there."""
    assert (
        ask("--from", write(tmp_path, "job.json", {"kind": "Job"}))["pods"][0]["name"] == "unnamed"
    )


def test_a_job_whose_pods_were_not_killed_by_a_probe_is_judged_by_its_status(
    tmp_path: Path, recorded: Recorded, ask: Ask
) -> None:
    """Its events name the pod, and tell of no kill of a container that it has."""
    folder = recorded("job-onfailure")
    job = json.loads((folder / "job.json").read_text())
    del job["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
    assert ask("--from", write(folder, "job.json", job))["pods"][0]["verdicts"][0]["cause"] == (
        "unknown"
    )


@pytest.mark.parametrize("crashing", [True, False])
def test_a_log_is_named_as_a_file_of_the_folder(
    tmp_path: Path, ask: Ask, pod: Make, ended: Make, *, crashing: bool
) -> None:
    """Its reader may have no cluster: where it is, or what is not there."""
    state = {"waiting": {"reason": "CrashLoopBackOff"}} if crashing else None
    document = pod(state, {"terminated": ended(1)["terminated"]}, restarts=3)
    folder = write(tmp_path, "pod.json", document)
    name = "logs-app.txt" if crashing else "logs-app-previous.txt"
    fix = ask("--from", folder)["pods"][0]["verdicts"][0]["fix"]
    assert fix.endswith(f"{name} (not in the folder)")
    write(tmp_path, "logs-app-previous.txt", "ValueError: no\n")
    fix = ask("--from", folder)["pods"][0]["verdicts"][0]["fix"]
    assert fix.endswith(str(tmp_path / "logs-app-previous.txt"))

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings
from tcp_probe.rehearse.command import rehearse

ROOT = Path(__file__).parents[2]
LAB = ROOT / "manifests" / "lab" / "http"
DEADLINE = 120  # s, for what takes 35 s on an idle machine
# What `--virtual` is told of each worker.
WORKERS = {"mended": "start=1", "slow-start": "start=30", "wrong-port": "port=8000"}
Event = dict[str, Any]


class Run:
    """A Pod of the lab, rehearsed as a process on ports of its own."""

    def __init__(self, name: str, folder: Path, ports: Callable[[], int]) -> None:
        numbers = {"PORT": ports(), "LIVENESS_PORT": ports()}
        text = (LAB / f"{name}.yaml").read_text(encoding="utf-8")
        for documented, number in zip(("8000", "9090"), numbers.values(), strict=True):
            text = text.replace(documented, str(number))
        text = text.replace("8080", str(ports()))
        manifest = folder / f"{name}.yaml"
        manifest.write_text(text, encoding="utf-8")
        self.pause_file = folder / f"{name}.paused"
        self.events = folder / f"{name}.events"
        command = [sys.executable, "-m", "tcp_probe", "rehearse", "--json", str(manifest)]
        environment = {
            **os.environ,
            **{key: str(number) for key, number in numbers.items()},
            "PAUSE_FILE": str(self.pause_file),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        with self.events.open("wb") as out, (folder / f"{name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--for", str(DEADLINE)],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=log,
            )

    def reasons(self) -> list[str]:
        """Read the reasons of the events so far."""
        lines = self.events.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line)["reason"] for line in lines if line.endswith("\n")]

    def until(self, told: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the events tell this."""
        deadline = time.monotonic() + DEADLINE
        while not told(self.reasons()):
            assert time.monotonic() < deadline, self.reasons()
            time.sleep(0.1)
        return self.reasons()

    def end(self) -> int:
        """End the rehearsal as ^C does."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE)


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int]
) -> Iterator[dict[str, Run]]:
    """Rehearse all Pods of the web lab at once."""
    folder = tmp_path_factory.mktemp("web-lab")
    with ExitStack() as stack:
        started = {}
        for name in WORKERS:
            started[name] = Run(name, folder, ports)
            stack.enter_context(started[name].process)
            stack.callback(started[name].process.terminate)
        yield started


def virtual(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Event]]:
    status = rehearse(["--json", "--virtual", *arguments])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", WORKERS)
def test_explain_finds_the_wrong_port_and_nothing_else(name: str) -> None:
    """Only the Pod that is broken has a finding, and it is the port that does not exist."""
    explanation = explain(str(LAB / f"{name}.yaml"), None, Settings())
    rules = [finding.rule for finding in explanation.findings if finding.level != "info"]
    assert ("undeclared-port" in rules) == (name == "wrong-port")
    assert rules == [] or name == "wrong-port"


def test_the_wrong_port_leads_to_a_crash_loop(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    """An app that is ready is killed for refusals, and in an hour kept waiting for 5 minutes."""

    def killed_while_ready(life: str) -> bool:
        return bool(re.search(r"\bReady\b.*\bKilling\b", life)) and life.count("Unhealthy") >= 2

    # On a busy machine the first life may end before it was ready.
    runs["wrong-port"].until(
        lambda reasons: any(map(killed_while_ready, " ".join(reasons).split("Started")))
    )
    assert runs["wrong-port"].end() == 1
    status, events = virtual(capsys, str(LAB / "wrong-port.yaml"), "--worker", "port=8000")
    assert status == 1
    assert any(event.get("delay") == 300 for event in events)
    (first,) = [event for event in events if event["reason"] == "Killing"][:1]
    messages = [event["message"] for event in events if "Liveness" in event["message"]]
    assert all(":8080: connect: connection refused" in message for message in messages)
    assert 3 <= first["time"] <= 14


def test_a_start_of_30_s_is_saved_by_the_startup_probe(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With it the app becomes ready and is never killed; without it, it never becomes ready."""
    assert "sleep 30" in (LAB / "slow-start.yaml").read_text(encoding="utf-8")
    reasons = runs["slow-start"].until(lambda reasons: "Ready" in reasons)
    assert "Killing" not in reasons
    time.sleep(8)  # its liveness probe is asked every 5 s, and a check that passes leaves no event
    assert runs["slow-start"].end() == 0
    manifest = LAB / "slow-start.yaml"
    status, events = virtual(capsys, str(manifest), "--worker", "start=30", "--for", "120")
    assert status == 0
    pod = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    del pod["spec"]["containers"][0]["startupProbe"]
    without = tmp_path / "without.yaml"
    without.write_text(yaml.safe_dump(pod), encoding="utf-8")
    status, events = virtual(capsys, str(without), "--worker", "start=30", "--for", "120")
    assert status == 1
    assert "Ready" not in [event["reason"] for event in events]


def test_readiness_comes_and_goes_and_nothing_is_restarted(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    """While the app is paused the pod is not ready; then it is again, in its first life."""
    run = runs["mended"]
    run.until(lambda reasons: "Ready" in reasons)
    run.pause_file.touch()
    run.until(lambda reasons: "NotReady" in reasons)
    run.pause_file.unlink()
    reasons = run.until(lambda reasons: reasons.count("Ready") == 2)
    assert run.end() == 0
    assert [each for each in reasons if "eady" in each] == ["Ready", "NotReady", "Ready"]
    assert "Killing" not in reasons
    status, _ = virtual(capsys, str(LAB / "mended.yaml"), "--worker", WORKERS["mended"])
    assert status == 0


def test_the_service_sends_to_the_pods_of_the_lab(
    rendered: Callable[[str], list[dict[str, Any]]],
) -> None:
    """Its selector fits every Pod, and each has the named port that it sends to."""
    documents = rendered("lab/http")
    (service,) = [each for each in documents if each["kind"] == "Service"]
    pods = [each for each in documents if each["kind"] == "Pod"]
    assert {pod["metadata"]["name"] for pod in pods} == {f"web-{name}" for name in WORKERS}
    (target,) = [port["targetPort"] for port in service["spec"]["ports"]]
    for pod in pods:
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert target in [port["name"] for port in pod["spec"]["containers"][0]["ports"]]


def test_the_image_has_what_the_pods_run() -> None:
    """The lab's Dockerfile runs the app as a number, on the ports of the Pods."""
    text = (LAB / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert re.search(r"^EXPOSE 8000 9090$", text, re.MULTILINE)
    assert (ROOT / "examples" / "web_app.py").is_file()

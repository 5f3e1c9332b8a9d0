from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tcp_probe.why.command import why
from tcp_probe.why.events import events_of
from tcp_probe.why.judge import Evidence, judge
from tcp_probe.why.verdict import Verdict

CORPUS = Path(__file__).parent / "corpus"
EIGHT = datetime(2026, 11, 24, 8, tzinfo=timezone.utc)


def at(seconds: int) -> str:
    """Write a time so many seconds after that at which the pods of these tests started."""
    return (EIGHT + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def later() -> Callable[[float], datetime]:
    """Return a time so many seconds after the start of the pods of these tests."""
    return lambda seconds: EIGHT + timedelta(seconds=seconds)


@pytest.fixture
def ended() -> Callable[..., dict[str, Any]]:
    """Make the state of a container that has ended."""

    def ended(
        code: int, reason: str = "Error", *, start: int = 10, end: int = 60, message: str = ""
    ) -> dict[str, Any]:
        times = {"startedAt": at(start), "finishedAt": at(end)}
        return {"terminated": {"exitCode": code, "reason": reason, "message": message, **times}}

    return ended


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Lay out a recorded scenario as a folder, without the kinds of evidence that are named."""

    def recorded(name: str, without: Sequence[str] = ()) -> Path:
        scenario = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))
        folder = tmp_path / name
        folder.mkdir()
        pods = scenario["pods"]
        if len(pods) == 1:
            (folder / "pod.json").write_text(json.dumps({"kind": "Pod", **pods[0]}))
        else:
            (folder / "pods.json").write_text(json.dumps({"kind": "List", "items": pods}))
        if "events" in scenario and "events" not in without:
            events = {"kind": "List", "items": scenario["events"]}
            (folder / "events.json").write_text(json.dumps(events))
        if "job" in scenario and "job" not in without:
            (folder / "job.json").write_text(json.dumps(scenario["job"]))
        for log, text in scenario["logs"].items() if "logs" not in without else ():
            (folder / log).write_text(text)
        return folder

    return recorded


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run `why --json` and return what it printed, with its exit status as `status`."""

    def ask(*arguments: str) -> dict[str, Any]:
        status = why([*arguments, "--json"])
        said = capsys.readouterr()
        assert said.err == ""
        return {**json.loads(said.out), "status": status}

    return ask


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run `why`, which cannot do it, and return what it says."""

    def complaint(*arguments: str) -> str:
        assert why(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err.strip()

    return complaint


@pytest.fixture
def pod() -> Callable[..., dict[str, Any]]:
    """Make a pod as the API server gives it.

    Its one container has this `state` and `last` state; `container`, `spec`, `status` and `meta`
    are further fields.
    """

    def pod(  # noqa: PLR0913 (each is another part of a pod)
        state: dict[str, Any] | None = None,
        last: dict[str, Any] | None = None,
        *,
        restarts: int = 0,
        ready: bool | None = None,
        container: dict[str, Any] | None = None,
        spec: dict[str, Any] | None = None,
        status: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        state = state or {"running": {"startedAt": at(0)}}
        running = "running" in state
        ready = running if ready is None else ready
        return {
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "prod", "uid": "u1", **(meta or {})},
            "spec": {
                "nodeName": "node-1",
                "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 30,
                "containers": [{"name": "app", "image": "shop/web:1", **(container or {})}],
                **(spec or {}),
            },
            "status": {
                "phase": "Running",
                "startTime": at(0),
                "conditions": [
                    {"type": "PodScheduled", "status": "True"},
                    {"type": "Ready", "status": str(ready), "lastTransitionTime": at(5)},
                ],
                "containerStatuses": [
                    {
                        "name": "app",
                        "restartCount": restarts,
                        "ready": ready,
                        "started": running,
                        "state": state,
                        "lastState": last or {},
                    }
                ],
                **(status or {}),
            },
        }

    return pod


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Make an event of that pod, or of its container."""

    def event(  # noqa: PLR0913 (each is another part of an event)
        reason: str,
        message: str,
        last: int = 60,
        *,
        first: int | None = None,
        count: int = 1,
        container: str | None = "app",
        warning: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        field = {"fieldPath": f"spec.containers{{{container}}}"} if container else {}
        return {
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message,
            "count": count,
            "firstTimestamp": at(last if first is None else first),
            "lastTimestamp": at(last),
            "involvedObject": {
                "kind": "Pod",
                "namespace": "prod",
                "name": "web",
                "uid": "u1",
                **field,
            },
            **more,
        }

    return event


@pytest.fixture
def killed(event: Callable[..., dict[str, Any]]) -> Callable[..., list[dict[str, Any]]]:
    """Make the events of a kill by a probe."""

    def killed(
        message: str = "dial tcp 10.0.0.1:9090: connect: connection refused",
        last: int = 60,
        count: int = 1,
    ) -> list[dict[str, Any]]:
        kill = "Container app failed liveness probe, will be restarted"
        failed = f"Liveness probe failed: {message}"
        return [
            event("Unhealthy", failed, last, first=last - 20, count=3 * count),
            event("Killing", kill, last, first=last, count=count, warning=False),
        ]

    return killed


@pytest.fixture
def verdicts() -> Callable[..., list[Verdict]]:
    """Judge a pod by these events and logs."""

    def verdicts(
        pod: dict[str, Any],
        events: Sequence[dict[str, Any]] | None = None,
        current: str | None = None,
        previous: str | None = None,
        **more: Any,
    ) -> list[Verdict]:
        logs = {("app", False): current, ("app", True): previous}
        return judge(
            Evidence(
                pod,
                None if events is None else events_of({"items": list(events)}),
                {key: log for key, log in logs.items() if log is not None},
                **more,
            )
        )

    return verdicts


@pytest.fixture
def said(verdicts: Callable[..., list[Verdict]]) -> Callable[..., tuple[str, str]]:
    """Tell the cause and the certainty of the one verdict on a pod with these events and logs."""

    def said(*evidence: Any, **more: Any) -> tuple[str, str]:
        (verdict,) = verdicts(*evidence, **more)
        return verdict.cause, verdict.certainty

    return said

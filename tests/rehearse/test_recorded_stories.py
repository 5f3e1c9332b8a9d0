from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"
WAIT = "signal.pause()"
HANDLE = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"

Manifest = Callable[..., str]
Staged = Callable[..., Any]


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the command does."""
    return "asyncio"


async def at_a_speed_that_the_machine_keeps_up_with(
    perform: Callable[[float], Awaitable[Any]], holds: Callable[[Any], bool]
) -> Any:
    """Rehearse fast first; where that was too fast for a busy machine, more slowly."""
    for speed in (10, 5, 2, 1):
        performed = await perform(speed)
        if holds(performed):
            break
    return performed


async def test_the_recording_of_a_wrong_port_is_repeated(
    manifest: Manifest, staged: Staged
) -> None:
    """Three kills that restart at once and a fourth one that backs off, as it was recorded.

    The clock runs up to 10 times as fast. The recorded worker ended at once on SIGTERM: so does
    this one, which shares the processes of its pod and is no PID 1.
    """
    recorded = json.loads((GOLDEN / "wrong-port.json").read_text())
    recorded["pod"]["spec"]["shareProcessNamespace"] = True
    file = manifest(recorded["pod"])
    kept = ("Started", "Unhealthy", "Killing", "BackOff")
    expected = [event["reason"] for event in recorded["events"] if event["time"] < 45]
    expected = [reason for reason in expected if reason in kept]

    async def perform(speed: float) -> Any:
        stage = staged(file, command=("sleep", "100"), speed=speed)
        await stage.run(45)
        return stage

    refused = "Liveness probe failed: dial tcp 127.0.0.1:19199: connect: connection refused"

    def repeated(stage: Any) -> bool:
        reasons = [reason for reason in stage.reasons if reason in kept]
        return reasons == expected and sum(each.message == refused for each in stage.events) == 8

    stage = await at_a_speed_that_the_machine_keeps_up_with(perform, repeated)
    assert repeated(stage), stage.events
    assert stage.events[-1].message.startswith("Back-off restarting failed container app in pod ")
    assert [event.message for event in stage.events if event.reason == "Exited"] == [
        "Container app exited with code 143"
    ] * 4


async def test_the_recording_of_a_finished_worker_is_repeated(
    manifest: Manifest, free_port: int, staged: Staged
) -> None:
    """Ready, not ready when the port refuses, killed after three refusals, and so again.

    The clock runs up to 10 times as fast; the worker closes its port 20 s of it after its start.
    """
    recorded = json.loads((GOLDEN / "finished-worker.json").read_text())
    container = recorded["pod"]["spec"]["containers"][0]
    for kind in ("livenessProbe", "readinessProbe"):
        container[kind]["tcpSocket"]["port"] = free_port
    file = manifest(recorded["pod"])

    async def perform(speed: float) -> Any:
        stage = staged(
            file,
            HANDLE,
            f"server = socket.create_server(('127.0.0.1', {free_port}), backlog=100)",
            f"time.sleep({20 / speed})",
            "server.close()",
            WAIT,
            speed=speed,
        )
        await stage.run(54)
        return stage

    def lives(stage: Any) -> list[str]:
        reasons = (
            event.message.split()[0] if event.reason == "Unhealthy" else event.reason
            for event in stage.events
            if not event.message.startswith("Readiness")
        )
        return " ".join(reasons).split("Started ")[1:]

    orders = [
        "Ready NotReady Liveness Liveness Liveness Killing Exited",
        "Ready Liveness NotReady Liveness Liveness Killing Exited",
        "Ready Liveness Liveness NotReady Liveness Killing Exited",
    ]

    def repeated(stage: Any) -> bool:
        return len(lives(stage)) == 3 and all(life.strip() in orders for life in lives(stage)[:2])

    stage = await at_a_speed_that_the_machine_keeps_up_with(perform, repeated)
    assert repeated(stage), stage.events
    exits = [event.message for event in stage.events if event.reason == "Exited"]
    assert set(exits) == {"Container app exited with code 0"}

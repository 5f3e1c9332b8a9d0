from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from stand_in_api import StandInAPI


@pytest.fixture
def worker(
    start_worker: Callable[..., Any], prompts: dict[str, str], api: StandInAPI, until: Any
) -> Any:
    """Start a worker; return it when it has its first turn in hand."""
    api.mode = "silent"
    worker = start_worker()
    until(lambda: api.requests, f"the first of {len(prompts)} jobs in hand")
    return worker


@pytest.mark.parametrize(
    ("signum", "send"),
    [
        pytest.param(signal.SIGTERM, os.kill, id="SIGTERM to the worker"),
        pytest.param(signal.SIGINT, os.killpg, id="^C, which the CLI gets too"),
    ],
)
def test_a_signal_in_a_turn_drains(
    signum: signal.Signals,
    send: Callable[[int, int], None],
    worker: Any,
    prompts: dict[str, str],
) -> None:
    """The turn is interrupted, its job stays in the inbox, no CLI is left, and the end is 0."""
    _, readiness = worker.ports()
    begin = time.monotonic()
    send(worker.process.pid, signum)
    assert worker.wait_for_end() == 0
    assert time.monotonic() - begin < 5, "a turn that is not interrupted takes 5 s to end"
    assert not worker.session()
    assert sorted(path.name for path in worker.spool.inbox.iterdir()) == list(prompts)
    assert not list(worker.spool.outbox.iterdir())
    assert not list(worker.spool.failed.iterdir())
    assert f"port {readiness} refuses checks: draining" in worker.log


def test_readiness_fails_at_once_and_liveness_not_until_the_end(worker: Any) -> None:
    """While a CLI that stands still delays the end, only the readiness port refuses."""
    liveness, readiness = worker.ports()
    cli = worker.cli()
    cli.suspend()
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for_refusal(readiness)
    assert worker.check(liveness) == "passes"
    cli.kill()  # or it would take the 11 s that the SDK needs to end it
    assert worker.wait_for_end() == 0
    assert worker.check(liveness) == "refuses"


def test_kill_9_in_a_turn_loses_no_job(
    worker: Any, start_worker: Callable[..., Any], prompts: dict[str, str], api: StandInAPI
) -> None:
    """The next start does what is left, the job in hand included."""
    worker.process.kill()
    worker.wait_for_end()
    assert sorted(path.name for path in worker.spool.inbox.iterdir()) == list(prompts)
    api.mode = "answer"
    start_worker().wait_for_results(*prompts)
    assert not list(worker.spool.inbox.iterdir())
    assert len(api.requests) == 1 + len(prompts), "the job in hand is done again, and no other"


def test_the_stand_in_api_ends_with_a_killed_worker(
    start_worker: Callable[..., Any],
) -> None:
    """SIGKILL leaves no API behind that would go on listening."""
    worker = start_worker("--stand-in")
    port = int(worker.wait_for_log(r"stand-in Messages API on port (\d+)")[1])
    assert worker.check(port) == "passes"
    worker.process.kill()
    worker.wait_for_end()
    assert worker.check(port) == "refuses"

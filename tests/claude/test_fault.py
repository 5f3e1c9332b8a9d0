from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

SETTINGS = {
    "STALL_TIMEOUT": "1",
    "TURN_TIMEOUT": "5",
    "WATCHDOG_TIMEOUT": "6",
    "ATTEMPTS": "100",
}


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("block", r"in block_the_loop\n"),
        ("stuck", r"in wait_for_a_lost_reply\n"),
        ("finish", r"the worker (has ended|was cancelled)"),
    ],
)
def test_a_broken_worker_refuses_and_its_next_start_is_whole(
    kind: str, where: str, start_worker: Callable[..., Any], prompts: dict[str, str]
) -> None:
    """At the second job the port refuses and the log says where; a restart does what is left."""
    worker = start_worker("--stand-in", "--fault", kind, **SETTINGS)
    worker.wait_for_log(f"breaking the worker: {kind}")
    port = int(worker.wait_for_log(r"liveness on port (\d+)")[1])
    worker.wait_for_refusal(port)
    worker.wait_for_log(rf"port {port} refuses checks: [\s\S]*{where}")
    assert worker.process.poll() is None
    assert [path.name for path in worker.spool.outbox.iterdir()] == ["1"]
    assert [path.name for path in worker.spool.inbox.iterdir()] == ["2"]
    worker.kill()

    restarted = start_worker("--stand-in", "--fault", kind, **SETTINGS)
    restarted.wait_for_results(*prompts)
    assert not list(worker.spool.inbox.iterdir())


def test_a_stuck_worker_drains_all_the_same(
    start_worker: Callable[..., Any], prompts: dict[str, str]
) -> None:
    """SIGTERM ends even an await that no timeout covers, with 0 and its job in the inbox."""
    worker = start_worker("--stand-in", "--fault", "stuck")
    worker.wait_for_log("breaking the worker: stuck")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait_for_end() == 0
    assert [path.name for path in worker.spool.inbox.iterdir()] == list(prompts)[1:]

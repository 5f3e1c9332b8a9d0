from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BLOCKED_SDK = """
import os, pathlib, time
pathlib.Path(os.environ["TMPDIR"], "importing").touch()
time.sleep(600)
"""


@pytest.fixture(scope="module")
def worker_and_api(start_shared_worker: Callable[..., Any]) -> Any:
    """Start a worker and an API that nothing happens to."""
    return start_shared_worker()


def test_prompts_become_results(worker_and_api: Any) -> None:
    """An idle worker takes what comes, answers each prompt and empties the inbox."""
    worker, _ = worker_and_api
    with worker.always_alive():
        for name in ("first", "second"):
            (worker.spool.inbox / name).write_text(f"prompt of {name}")
        worker.wait_for_results("first", "second")
    results = {path.name: path.read_text() for path in worker.spool.outbox.iterdir()}
    assert results == {
        "first": "Stand-in answer to: prompt of first",
        "second": "Stand-in answer to: prompt of second",
    }
    assert not list(worker.spool.inbox.iterdir())
    assert not list(worker.spool.failed.iterdir())


def test_jobs_share_no_conversation(worker_and_api: Any) -> None:
    """No request carries the prompt of another job."""
    worker, api = worker_and_api
    names = ("apple", "banana")
    for name in names:
        (worker.spool.inbox / name).write_text(f"prompt of {name}")
    worker.wait_for_results(*names)
    sent = [str(request["messages"]) for request in api.requests][-2:]
    assert [[name for name in names if name in messages] for messages in sent] == [
        ["apple"],
        ["banana"],
    ]


def test_a_prompt_reaches_the_api_as_it_is_written(worker_and_api: Any, tmp_path: Path) -> None:
    """What looks like a command or a file to the CLI is neither run nor read."""
    worker, api = worker_and_api
    secret = tmp_path / "secret"
    secret.write_text("never to be sent")
    (worker.spool.inbox / "job").write_text(f"/clear @{secret}")
    worker.wait_for_results("job")
    assert (worker.spool.outbox / "job").read_text() == f"Stand-in answer to: /clear @{secret}"
    assert "never to be sent" not in str(api.requests[-1])


def test_a_prompt_that_is_no_text_is_set_aside(worker_and_api: Any) -> None:
    """The reason names the encoding, and the worker goes on."""
    worker, _ = worker_and_api
    (worker.spool.inbox / "binary").write_bytes(b"\xff\xfe")
    worker.wait_for_failures("binary")
    assert "utf-8" in (worker.spool.failed / "binary" / "reason").read_text()
    assert (worker.spool.failed / "binary" / "prompt").read_bytes() == b"\xff\xfe"


def test_an_idle_worker_ends_with_0_on_sigterm(worker_and_api: Any) -> None:
    """Nothing is in hand, no process is left, and no session left a file."""
    worker, _ = worker_and_api
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait_for_end() == 0
    assert not worker.session()
    folder = worker.spool.inbox.parents[1]
    assert {path.name for path in folder.glob("[!l]*")} == {"home", "spool"}
    assert not list((folder / "home").iterdir())


def test_the_port_listens_before_the_sdk_is_imported(
    start_worker: Callable[..., Any], tmp_path: Path, until: Callable[..., None]
) -> None:
    """Liveness checks pass while the import of the SDK still blocks the loop."""
    (tmp_path / "claude_agent_sdk.py").write_text(BLOCKED_SDK)
    worker = start_worker(PYTHONPATH=str(tmp_path))
    until((tmp_path / "importing").exists, "the import has begun")
    port = int(worker.wait_for_log(r"liveness on port (\d+)")[1])
    assert worker.check(port) == "passes"

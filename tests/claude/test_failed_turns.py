from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stand_in_api import StandInAPI

NO_RETRIES = {"CLAUDE_CODE_MAX_RETRIES": "0"}


@pytest.fixture(scope="module", autouse=True)
def worker_with_stopped_cli(start_shared_worker: Callable[..., Any], until: Any) -> Iterator[Any]:
    """Stop the CLI in a turn. The SDK takes 11 s to end it, in which the other tests run."""
    # On a busy machine a later turn may be too slow as well.
    worker, api = start_shared_worker(TURN_TIMEOUT="4", ATTEMPTS="100")
    api.mode = "silent"
    with worker.always_alive():
        for name in ("1", "2"):
            (worker.spool.inbox / name).write_text("prompt")
        until(lambda: api.requests, "a turn in hand")
        cli = worker.cli()
        cli.suspend()
        api.mode = "answer"
        yield worker, cli


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """Hold an address that refuses connections, so that nothing else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_a_silent_api_costs_turns_but_no_restart(
    start_worker: Callable[..., Any], api: StandInAPI
) -> None:
    """A job is tried again, then set aside with the reason; the port listens all the while."""
    api.mode = "silent"
    worker = start_worker(TURN_TIMEOUT="8", ATTEMPTS="2")
    (worker.spool.inbox / "1").write_text("prompt")
    with worker.always_alive():
        worker.wait_for_failures("1")
    folder = worker.spool.failed / "1"
    assert (folder / "prompt").read_text() == "prompt"
    assert (folder / "reason").read_text() == "TurnError: no result after 8 s\n"
    assert worker.log.count(" 1: attempt ") == 2
    assert api.requests, "no turn got as far as the API"
    assert not list(worker.spool.outbox.iterdir())


def test_a_refusing_api_costs_turns_but_no_restart(
    start_worker: Callable[..., Any], prompts: dict[str, str], refusing_url: str
) -> None:
    """Turns that end with an error for lack of an API count as failed, with the CLI's words."""
    worker = start_worker(ANTHROPIC_BASE_URL=refusing_url, ATTEMPTS="2", **NO_RETRIES)
    with worker.always_alive():
        worker.wait_for_failures(*prompts)
    assert "API Error" in (worker.spool.failed / "1" / "reason").read_text()
    assert worker.log.count(" 1: attempt ") == 2
    assert not list(worker.spool.outbox.iterdir())


def test_an_api_that_answers_errors_costs_turns_but_no_restart(
    start_worker: Callable[..., Any], prompts: dict[str, str], api: StandInAPI
) -> None:
    """A result that `is_error` is a failure, and never gets into the outbox."""
    api.mode = "error"
    worker = start_worker(ATTEMPTS="2", **NO_RETRIES)
    with worker.always_alive():
        worker.wait_for_failures(*prompts)
    assert "API Error: 500" in (worker.spool.failed / "1" / "reason").read_text()
    assert worker.log.count(" 1: attempt ") == 2
    assert not list(worker.spool.outbox.iterdir())


def test_jobs_are_done_when_the_api_comes_back(
    start_worker: Callable[..., Any], prompts: dict[str, str], api: StandInAPI
) -> None:
    """A job that failed is done by a later attempt, and the reason names the CLI's retries."""
    api.mode = "error"
    worker = start_worker(TURN_TIMEOUT="5", ATTEMPTS="100")
    worker.wait_for_log(r"1: attempt \d+ failed: .*no result after 5 s, API retry \d: server_error")
    api.mode = "answer"
    worker.wait_for_results(*prompts)
    assert not list(worker.spool.failed.iterdir())


def test_a_cli_that_was_killed_costs_its_turn(
    start_worker: Callable[..., Any],
    prompts: dict[str, str],
    api: StandInAPI,
    until: Callable[..., None],
) -> None:
    """A turn whose CLI was killed fails at once while the port listens; the next turn works."""
    api.mode = "silent"
    worker = start_worker()
    with worker.always_alive():
        until(lambda: api.requests, "a turn in hand")
        api.mode = "answer"
        worker.cli().kill()
        worker.wait_for_results(*prompts)
    assert "1: attempt 1 failed: ProcessError" in worker.log


def test_a_cli_that_stands_still_costs_its_turn(worker_with_stopped_cli: Any) -> None:
    """A stopped CLI is ended with its turn while the port listens; the next turn works."""
    worker, cli = worker_with_stopped_cli
    worker.wait_for_results("1", "2")
    assert "1: attempt 1 failed: TurnError: no result after 4 s" in worker.log
    assert not cli.is_running()

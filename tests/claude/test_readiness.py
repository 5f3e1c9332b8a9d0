from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import claude_worker

LOOK = """
import anyio, sys
sys.path[:0] = sys.argv[1:]
import claude_worker
try:
    print(anyio.run(claude_worker.claude_is_ready))
except RuntimeError as error:
    print(error)
assert "claude_agent_sdk" not in sys.modules
"""


def look(*path: Path, **environment: str) -> str:
    """Ask the readiness condition in a fresh interpreter that finds modules in `path` first."""
    examples = Path(claude_worker.__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, path), str(examples)],
        env={"PATH": "/nowhere", **environment},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout.strip()


def test_without_a_key_the_worker_is_alive_but_not_ready(
    start_worker: Callable[..., Any], prompts: dict[str, str]
) -> None:
    """The readiness port refuses and the log says why; liveness passes and the jobs wait."""
    worker = start_worker(ANTHROPIC_API_KEY="")
    worker.wait_for_log("refuses checks: .*ANTHROPIC_API_KEY is not set")
    ports = worker.wait_for_log(r"liveness on port (\d+), readiness on port (\d+)")
    assert worker.check(int(ports[1])) == "passes"
    assert worker.check(int(ports[2])) == "refuses"
    assert len(list(worker.spool.inbox.iterdir())) == len(prompts)


def test_the_bundled_cli_is_found_without_importing_the_sdk() -> None:
    """The SDK that is installed brings the CLI that it runs."""
    assert look(ANTHROPIC_API_KEY="key") == "True"


def test_a_cli_on_the_path_will_do(tmp_path: Path) -> None:
    """An SDK without a bundled CLI runs the one on PATH."""
    (tmp_path / "claude_agent_sdk.py").touch()
    cli = tmp_path / "claude"
    cli.touch(mode=0o755)
    assert look(tmp_path, ANTHROPIC_API_KEY="key", PATH=str(tmp_path)) == "True"


def test_without_a_cli_the_condition_says_so(tmp_path: Path) -> None:
    """Neither bundled nor on PATH: not ready, with the places that were searched."""
    (tmp_path / "claude_agent_sdk.py").touch()
    reason = look(tmp_path, ANTHROPIC_API_KEY="key")
    assert reason == "no Claude CLI, neither in claude-agent-sdk nor on PATH"

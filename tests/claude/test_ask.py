from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import claude_turn
import pytest

# A CLI that says it is ready, then ends with 0 at the prompt.
ENDS_EARLY = f"""#!{sys.executable}
import json, sys
request = json.loads(sys.stdin.readline())
response = {{"subtype": "success", "request_id": request["request_id"], "response": {{}}}}
print(json.dumps({{"type": "control_response", "response": response}}), flush=True)
sys.stdin.readline()
"""


async def test_a_cli_that_ends_without_a_result_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's iterator ends silently then; the turn must not."""
    cli = tmp_path / "claude"
    cli.write_text(ENDS_EARLY)
    cli.chmod(0o700)
    options = dataclasses.replace(claude_turn.OPTIONS, cli_path=cli)
    monkeypatch.setattr(claude_turn, "OPTIONS", options)
    with pytest.raises(claude_turn.TurnError, match=r"^the CLI ended without a result$"):
        await claude_turn.ask("prompt", 30, lambda: None)

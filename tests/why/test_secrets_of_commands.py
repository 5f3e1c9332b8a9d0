"""What a command is given for a secret is hidden as the values of an environment are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

SECRET = "T0ps3cret"  # noqa: S105 - that of a test
SAID = f'Traceback (most recent call last):\n  File "/app/a.py", line 1\nE: {SECRET}: cat file\n'


@pytest.mark.parametrize(
    "fields",
    [
        {"args": ["--password", SECRET]},
        {"args": [f"--db-password='{SECRET}'"]},
        {"command": ["sh", "-c", f"export API_KEY={SECRET}; exec work"]},
        {"livenessProbe": {"exec": {"command": ["check", f"--token={SECRET}"]}}},
        {"lifecycle": {"preStop": {"exec": {"command": ["leave", "--secret", SECRET]}}}},
    ],
)
def test_a_secret_of_a_command_is_hidden(
    fields: dict[str, Any], pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """It may turn up in a log as the variables do."""
    made = pod(last=ended(1), restarts=1, container=fields)
    (verdict,) = verdicts(made, [], SAID, SAID)
    assert verdict.cause == "exit"
    assert "E: ***: cat file" in verdict.summary
    assert SECRET not in str(verdict)


@pytest.mark.parametrize(
    "words",
    [
        ["cat", "secret", "file"],
        ["--password-file", "/cat"],
        ["--token=cat"],
        ["--token", "--file"],
        ["--secret=$FILE"],
        ["--token-ttl=300"],
    ],
)
def test_what_is_no_secret_of_a_command_is_shown(
    words: list[str], pod: Pod, ended: Make, verdicts: Verdicts
) -> None:
    """A path, a name of a variable, a short word, another option."""
    made = pod(last=ended(1), restarts=1, container={"args": words})
    (verdict,) = verdicts(made, [], SAID, SAID.replace("cat file", "cat file $FILE --file 300"))
    assert verdict.summary.endswith("cat file $FILE --file 300")

"""What a command is given for a secret is hidden as the values of an environment are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.why.clean import mask_of
from tcp_probe.why.verdict import Verdict

Pod = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Verdicts = Callable[..., list[Verdict]]

SECRET = "T0ps3cret"  # noqa: S105 - that of a test
SAID = f'Traceback (most recent call last):\n  File "/app/a.py", line 1\nE: {SECRET}: cat file\n'


def pod_with(*words: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"command": ["work"], "args": [*words]}]}}


@pytest.mark.parametrize(
    "fields",
    [
        {"args": ["--password", SECRET]},
        {"args": [f"--db-password='{SECRET}'"]},
        {"command": ["sh", "-c", f"export API_KEY={SECRET}; exec work"]},
        {"command": ["sh", "-c", f"API_KEY={SECRET};export API_KEY"]},
        {"command": ["sh", "-c", f"export 'API_KEY={SECRET}'; echo don't"]},
        {"command": ["sh", "-c", f"echo {'x' * 70_000}; work --pass {SECRET}"]},
        {"command": ["work", "--password"], "args": [SECRET]},
        {"args": [f"--dbPassword=${{DB_PASSWORD:-{SECRET}}}"]},
        {"args": ["--secret-key-base", SECRET]},
        {"args": ["--api-keys", SECRET]},
        {"livenessProbe": {"exec": {"command": ["/bin/redis-cli", "-a", SECRET, "ping"]}}},
        {"livenessProbe": {"exec": {"command": ["sh", "-c", f"mysqladmin -p{SECRET} ping"]}}},
        {"livenessProbe": {"exec": {"command": ["curl", "-u", SECRET, "localhost:8080"]}}},
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


@pytest.mark.parametrize("secret", ["two words", "/x9+Kq==", ".hidden", "-dash", "123456", "word"])
def test_a_secret_is_hidden_whatever_it_looks_like(secret: str) -> None:
    """What an option for a secret is given is one."""
    hide = mask_of(pod_with(f"--password={secret}")).text
    assert hide(f"cannot log in: ({secret})") == "cannot log in: (***)"


@pytest.mark.parametrize(
    "words",
    [
        ["cat", "secret", "file"],
        ["--password-file", "/cat"],
        ["--token=cat"],
        ["--token", "--file"],
        ["--secret=$FILE"],
        ["--token-ttl=300"],
        ["--private-key", "/etc/tls/cat.key"],
        ["--credentials=cat/creds.json"],
        ["--secret-module", "app.secrets"],
        ["--secretName=credentials-of-cat"],
        ["--tokenizer", "gpt-2"],
        ["--max-tokens", "4096"],
        ["--token=true"],
        ["--bypass", "localhost"],
        ["sh", "-c", "redis-cli ping && work -a localhost"],
    ],
)
def test_what_is_no_secret_of_a_command_is_shown(words: list[str]) -> None:
    """A path, a module, a number, a switch, a variable, a short word, another option."""
    said = (
        "cat file $FILE --file 300 of /etc/tls/cat.key, cat/creds.json, app.secrets, 4096, true, "
        "credentials-of-cat, gpt-2, localhost"
    )
    assert mask_of(pod_with(*words)).text(said) == said


def test_a_short_word_that_is_a_secret_leaves_longer_ones_readable() -> None:
    """Else a password `main` or `5432` would make holes in every module and address."""
    hide = mask_of(pod_with("--password=main", "--token", "5432")).text
    said = "main: domain.remains of 10.5432.1.15432 is 5432"
    assert hide(said) == "***: domain.remains of 10.***.1.15432 is ***"

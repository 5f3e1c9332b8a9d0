from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_probe.diagnosis.plain import plain
from tcp_probe.why.clean import cleaned, mask_of


def pod_with(name: str, value: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value}, {"name": "FROM", "valueFrom": {}}]
    return {"spec": {"containers": [{"env": variables}], "initContainers": None}}


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    """Whatever was in it; line ends stay."""
    assert all(each == "\n" or each.isprintable() for each in plain(text))


def test_escapes_are_shown() -> None:
    """So that one sees what somebody tried."""
    assert plain("\x1b[2Jred\u202e\ta\r\n") == "\\x1b[2Jred\\u202e    a\n"


def test_every_text_of_a_document_is_cleaned() -> None:
    """Names of fields, too."""
    assert cleaned({"a\x07": ["b\x1b", 1, None]}) == {"a\\x07": ["b\\x1b", 1, None]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "postgres-canary-1"),
        ("API_KEY", "canary"),
        ("PASSWORD", "/canary/as/a/path"),
        ("CERTIFICATE", "line-one-canary\nline-two-canary"),
        ("GREETING", "Canary Wharf"),
        ("WORD", "canarybird"),
        ("DATA_DIR", "/data/canary"),
    ],
)
def test_a_value_of_the_environment_is_hidden(name: str, value: str) -> None:
    """Wherever it turns up, each line of it alone as well."""
    mask = mask_of(pod_with(name, value)).text
    for line in (value, *value.splitlines()):
        assert "anary" not in mask(f"said {line}.")


def test_a_password_of_digits_is_hidden() -> None:
    """A number of another name is left."""
    assert mask_of(pod_with("DB_PASSWORD", "123456")).text("with 123456") == "with ***"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "9090"),
        ("DEBUG", "true"),
        ("HOME", "/srv"),
        ("MODE", "prod"),
        ("MAX_TOKENS", "1024"),
        ("X", ""),
    ],
)
def test_what_is_no_secret_is_left(name: str, value: str) -> None:
    """Else ports and paths would be unreadable everywhere."""
    text = "port 9090 in /srv of prod is true: 1024"
    assert mask_of(pod_with(name, value)).text(text) == text


def test_a_path_is_left_in_a_stack() -> None:
    """Else nobody could tell which file it is; what is no path is hidden there, too."""
    frame = 'File "/app/canary/worker.py", line 7, in handle'
    assert mask_of(pod_with("HERE", "/app/canary")).stack(frame) == frame
    assert "canary" not in mask_of(pod_with("KEY", "canary")).stack(frame)


def test_what_the_pod_is_called_is_left() -> None:
    """Its name, its namespace, its containers and images stand in what we say ourselves."""
    variables = [{"name": "NAME", "value": value} for value in ("web-canary", "shop-canary")]
    containers = [{"name": "web-canary", "image": "shop-canary", "env": variables}]
    text = "kubectl logs web-canary: shop-canary"
    assert mask_of({"spec": {"containers": containers}}).text(text) == text


@pytest.mark.parametrize(
    "said",
    [
        "postgres://shop:canary@db/shop",
        "Authorization: Bearer canary.canary.canary",
        "login failed with password=canary",
        '{"api_key": "canary"}',
        "key sk-canary-canary-canary is not valid",
    ],
)
def test_what_looks_like_a_secret_is_hidden(said: str) -> None:
    """The value of one that comes from a Secret is not known to anybody here."""
    assert "canary" not in mask_of({}).text(said)


@pytest.mark.parametrize("said", ["ANTHROPIC_API_KEY is not set", 'secret "db" not found'])
def test_what_only_speaks_of_a_secret_is_left(said: str) -> None:
    """It is the very reason."""
    assert mask_of({}).text(said) == said


def test_a_long_text_is_cut() -> None:
    """Its beginning tells."""
    assert len(mask_of({}).text("x" * 10_000)) < 1000

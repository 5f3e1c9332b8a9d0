"""What is told of the commands that probes, hooks and containers run, without running them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.explainer import explain
from tcp_probe.explain.settings import Settings

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Rules = Callable[..., set[str]]


@pytest.fixture
def of_probe(manifest: Manifest, pod: Pod) -> Rules:
    """Return the rules that are broken by a liveness probe with this command."""

    def of_probe(*words: str, timeout: int = 2) -> set[str]:
        probe = {"exec": {"command": list(words)}, "timeoutSeconds": timeout}
        explained = explain(manifest(pod(livenessProbe=probe)), None, Settings())
        return {finding.rule for finding in explained.findings}

    return of_probe


@pytest.fixture
def of_container(manifest: Manifest, pod: Pod) -> Rules:
    """Return the rules that are broken by a container with this command."""

    def of_container(*words: str) -> set[str]:
        explained = explain(manifest(pod(command=list(words))), None, Settings())
        return {finding.rule for finding in explained.findings}

    return of_container


@pytest.mark.parametrize(
    "script",
    [
        "curl -sf localhost || exit 1",
        "if curl -sf localhost; then exit 0; else exit 1; fi",
        "test -f /ready && exit 0; exit 1",
        "test -f /ready || (echo no; exit 1)",
        "[ -f /ready ] && echo yes || exit 1",
        "pg_isready && true",
        "for each in a b; do test -f $each; done; exit 1",
        "set -e; pg_isready; true",
        "while ! pg_isready; do sleep 20; done",
        "pg_isready || sleep 20",
        "exec pg_isready; true",
        'grep "a; exit 1" /state',
        "grep 'a || true' /state",
        "grep ok /state # ; true",
        "pg_isready; exit",
        "pg_isready; exit $?",
        "echo > /dev/tcp/127.0.0.1/5432",
        "true </state",
        "echo ok | grep ok",
        "! true",
    ],
)
def test_a_line_that_asks_something_neither_always_fails_nor_always_passes(
    script: str, of_probe: Rules
) -> None:
    """What comes after `||`, in a condition or in quotes need not be what it ends with."""
    assert not {"never-passes", "always-passes"} & of_probe("sh", "-c", script)


@pytest.mark.parametrize(
    "words",
    [
        ("/bin/true",),
        ("sh", "-c", ""),
        ("sh", "-c", "# nothing yet"),
        ("sh", "-c", "exit"),
        ("sh", "-c", "pg_isready; true"),
        ("sh", "-c", "pg_isready || true"),
        ("sh", "-c", "pg_isready | true"),
        ("sh", "-c", "pg_isready &"),
        ("sh", "-c", "pg_isready >/dev/null 2>&1\necho done"),
        ("sh", "-c", "pg_isready; echo done >/dev/null 2>&1"),
        ("sleep", "1"),
        ("timeout", "-k", "1", "1", "/bin/echo", "alive"),
    ],
)
def test_a_line_that_always_passes_is_found(words: tuple[str, ...], of_probe: Rules) -> None:
    """It asks nothing, or what it asks does not count."""
    assert "always-passes" in of_probe(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("/bin/false",),
        ("sh", "-c", "pg_isready && exit 1"),
        ("sh", "-c", "pg_isready; false"),
        ("sh", "-c", "sleep 5; pg_isready"),
        ("sleep", "infinity"),
    ],
)
def test_a_line_that_always_fails_is_found(words: tuple[str, ...], of_probe: Rules) -> None:
    """Or that ends after its timeout."""
    assert "never-passes" in of_probe(*words)


def test_an_empty_word_is_no_command_that_passes(of_probe: Rules) -> None:
    """No program has that name."""
    assert "always-passes" not in of_probe("")


@pytest.mark.parametrize(
    "words",
    [
        ("pgrep", "celery"),
        ("cat", "/srv/python"),
        ("curl", "-f", "http://localhost/java"),
        ("sh", "-c", "exec pgrep -f 'python work.py'"),
        ("python", "--version"),
    ],
)
def test_the_name_of_a_heavy_program_is_no_heavy_program(
    words: tuple[str, ...], of_probe: Rules
) -> None:
    """What is looked for, or where, is not what is started."""
    assert "heavy-exec" not in of_probe(*words, timeout=1)


@pytest.mark.parametrize(
    "words",
    [
        ("env", "A=b", "python", "-m", "app.check"),
        ("timeout", "-s", "KILL", "1", "/venv/bin/python3.12", "check.py"),
        ("sh", "-c", "A=b nice -n 5 python check.py"),
        ("sh", "-c", 'test "$(celery -A app inspect ping)" = pong'),
        ("poetry", "run", "check"),
        ("mongosh", "--eval", "1"),
        ("/opt/kafka/bin/kafka-topics.sh", "--list"),
    ],
)
def test_a_heavy_program_is_found_behind_what_starts_it(
    words: tuple[str, ...], of_probe: Rules
) -> None:
    """Whatever stands before it, and in what it is put."""
    assert "heavy-exec" in of_probe(*words, timeout=1)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("sh", "-c", "curl -s localhost | grep -q ok"), False),
        (("sh", "-c", "test \"$(curl -s -w '%{http_code}' localhost)\" = 200"), False),
        (("timeout", "1", "curl", "localhost"), True),
        (("sh", "-c", "curl -s localhost || exit 1"), True),
    ],
)
def test_curl_is_to_fail_where_its_code_is_what_counts(
    words: tuple[str, ...], *, found: bool, of_probe: Rules
) -> None:
    """What it is piped into may look at the page itself."""
    assert ("curl-without-fail" in of_probe(*words)) == found


@pytest.mark.parametrize(
    "words",
    [
        ("find", "/alive", "-mmin", "-1", "-exec", "cat", "{}", ";"),
        ("expr", "1", "<", "2"),
        ("C:\\Program Files\\check.exe",),
    ],
)
def test_words_of_a_shell_may_be_those_of_the_program(
    words: tuple[str, ...], of_probe: Rules
) -> None:
    """It knows them itself; and a path of Windows may have spaces."""
    assert "not-a-command" not in of_probe(*words)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("timeout", "5", "sh", "-c", "pg_isready"), True),
        (("sh", "-c", "A=b pg_isready"), True),
        (("sh", "-c", "code=$(pg_isready); test $code = 0"), False),
    ],
)
def test_a_shell_is_found_behind_what_starts_it(
    words: tuple[str, ...], *, found: bool, of_probe: Rules
) -> None:
    """It waits for its child there, too."""
    assert ("shell-without-exec" in of_probe(*words)) == found


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("python work.py || exit 1", False),
        ("python work.py; sleep 10", False),
        ("while true; do date; sleep 30; done", False),
        ("until nc -z db 1; do sleep 1; done", False),
        ("date; sleep 30", True),
        ("exit 0", True),
    ],
)
def test_a_container_ends_by_itself_where_all_of_its_commands_do(
    script: str, *, found: bool, of_container: Rules
) -> None:
    """A loop goes on, and so may a worker before the last command."""
    assert ("ends-by-itself" in of_container("sh", "-c", script)) == found

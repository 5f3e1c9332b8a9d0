from __future__ import annotations

import pytest

from tcp_probe.rehearse.predicted_command import Predicted, predict


def check_port(host: str, port: int) -> tuple[float, str]:
    return (0.0, "") if port == 9090 else (1.0, f"{host}:{port} refused")


def shell(script: str) -> Predicted | None:
    return predict(("sh", "-c", script), check_port)


@pytest.mark.parametrize(
    ("command", "predicted"),
    [
        (("true",), Predicted(0, 0)),
        (("/bin/false",), Predicted(0, 1)),
        (("sleep", "3.3"), Predicted(3.3, 0)),
        (("sleep", "2m"), Predicted(120, 0)),
        (("echo", "a", "b"), Predicted(0, 0, "a b\n")),
        (("echo", "-n", "a"), Predicted(0, 0, "a")),
        (("tcp-probe", "check", "9090"), Predicted(0.05, 0)),
        (("python3", "-m", "tcp_probe", "check", "::1:80"), Predicted(1.05, 1, "::1:80 refused\n")),
    ],
)
def test_a_plain_command_is_followed(command: tuple[str, ...], predicted: Predicted) -> None:
    """Its time, its code, its output."""
    assert predict(command, check_port) == predicted


@pytest.mark.parametrize(
    ("script", "predicted"),
    [
        ("exit 7", Predicted(0, 7)),
        ("sleep 4", Predicted(4, 0)),
        ("exec sleep 4; echo never", Predicted(4, 0)),
        ("echo out >&2; echo in; exit 3", Predicted(0, 3, "in\nout\n")),
        ("echo quiet > /dev/null; false", Predicted(0, 1)),
        ("sleep 1 > /dev/null", Predicted(1, 0)),
        ("sleep 1\nsleep 2; true", Predicted(3, 0, "", ((0, 1), (1, 3)))),
        ("true && echo yes || echo no", Predicted(0, 0, "yes\n")),
        ("false && echo yes || echo no", Predicted(0, 0, "no\n")),
        ("false; exit", Predicted(0, 1)),
        ("echo 'a; b'", Predicted(0, 0, "a; b\n")),
    ],
)
def test_a_script_of_plain_commands_is_followed(script: str, predicted: Predicted) -> None:
    """One after the other; the standard error comes after all of the standard output."""
    assert shell(script) == predicted


@pytest.mark.parametrize(
    "script",
    [
        "",
        ";",
        "curl localhost",
        "exit $?",
        "exit soon",
        "sleep $DELAY",
        "sleep soon",
        "sleep 1 2",
        "sleep 1 &",
        "echo a > file",
        "(true)",
        "echo 'open",
        "exec",
        "true; python -m json.tool",
    ],
)
def test_more_than_that_is_not_followed(script: str) -> None:
    """What is not known is not guessed."""
    assert shell(script) is None


@pytest.mark.parametrize(
    "command",
    [(), ("worker",), ("sh", "script"), ("tcp-probe", "check", "x"), ("tcp-probe", "check")],
)
def test_an_unknown_command_is_not_followed(command: tuple[str, ...]) -> None:
    """Nor one that is none."""
    assert predict(command, check_port) is None


def test_a_child_goes_on_when_the_shell_is_killed() -> None:
    """The last command, which takes the place of the shell, ends with it."""
    predicted = shell("sleep 5; sleep 5")
    assert predicted is not None
    assert [predicted.ends_if_killed(at) for at in (2, 7)] == [5, 7]

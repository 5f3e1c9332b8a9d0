"""What the commands say of arguments that cannot be meant, and where they cannot say it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tcp_probe.__main__ import main

Output = pytest.CaptureFixture[str]
BAD = [
    ["nonsense"],
    ["check", "web:http"],
    ["explain", "no-such-file.yaml"],
    ["explain", "worker.yaml", "--nonsense"],
    ["rehearse", "no-such-file.yaml"],
    ["why", "--from", "no-such-folder"],
]


def _status(arguments: list[str], redirection: str) -> tuple[int, str]:
    command = f'exec "$@" {redirection}'
    process = [sys.executable, "-m", "tcp_probe", *arguments]
    done = subprocess.run(
        ["/bin/sh", "-c", command, "sh", *process],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_an_error_that_cannot_be_told_keeps_its_exit_status(
    arguments: list[str], redirection: str
) -> None:
    """And it is not told on the standard output in its place."""
    assert _status(arguments, redirection) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_an_output_that_cannot_be_written_need_not_be_told() -> None:
    """The exit status tells of it where the standard error is on the same full disk."""
    assert _status(["--help"], ">/dev/full 2>/dev/full") == (74, "")


def test_an_error_that_nobody_reads_keeps_its_exit_status() -> None:
    """A pipe whose reader has gone is no success of a command that failed."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        command = [sys.executable, "-m", "tcp_probe", "check", "web:http"]
        done = subprocess.run(command, stderr=pipe, timeout=60, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain", "--cotnainer", "web", "a.yaml"], "--cotnainer; is it --container?"),
        (["explain", "a.yaml", "--conatiner=web"], "--conatiner; is it --container?"),
        (["why", "web", "--namspace", "prod"], "--namspace; is it --namespace?"),
        (["rehearse", "a.yaml", "--virtaul"], "--virtaul; is it --virtual?"),
        (["rehearse", "a.yaml", "-f"], "-f; see --help"),
        (["explain", "a.yaml", "--quite-another"], "--quite-another; see --help"),
    ],
)
def test_an_option_that_is_mistyped_is_recognised(
    arguments: list[str], told: str, capsys: Output
) -> None:
    """Where one is like it; else the help tells all of them."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith(f"error: no such option: {told}\n")


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        (["explain", ""], "MANIFEST"),
        (["explain", "a.yaml", "--container", ""], "--container"),
        (["rehearse", "a.yaml", "--container="], "--container"),
        (["why", ""], "POD"),
        (["why", "web", "-n", ""], "-n/--namespace"),
        (["why", "-l", ""], "-l/--selector"),
        (["why", "web", "--context", ""], "--context"),
        (["why", "--from", ""], "--from"),
    ],
)
def test_an_empty_value_is_told(arguments: list[str], argument: str, capsys: Output) -> None:
    """A shell makes it of a variable that is not set; nobody means it."""
    assert main(arguments) == 2
    told = f"argument {argument}: expected a value, got an empty one; is a variable unset?"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("place", ["", "spec..template", "spec."])
def test_a_place_of_a_template_has_no_empty_name(place: str, capsys: Output) -> None:
    """No field is called so, so it would never be found."""
    assert main(["explain", "a.yaml", "--template", place]) == 2
    told = f"with dots between them, as in spec.template, got {place!r}"
    assert told in capsys.readouterr().err


def test_a_command_that_does_not_stand_behind_two_dashes_is_told_to(capsys: Output) -> None:
    """It cannot be told from a second manifest."""
    assert main(["rehearse", "a.yaml", "sleep", "3"]) == 2
    told = "got also sleep 3; a command goes behind --, as in: -- sleep 60"
    assert told in capsys.readouterr().err

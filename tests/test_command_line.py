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


@pytest.mark.parametrize("path", ["pod.json", "/srv/evidence", "./web", "a/b/c", "worker.yaml"])
def test_why_of_a_file_says_how_one_is_read(path: str, capsys: Output) -> None:
    """A pod is not called so; kubectl would only say that its arguments are odd."""
    assert main(["why", path]) == 2
    told = f"expected POD or KIND/NAME, got {path!r}: --from takes a FOLDER, and - a pod as JSON"
    assert told in capsys.readouterr().err


def test_a_kind_and_its_name_are_one_argument(capsys: Output) -> None:
    """Whoever is used to kubectl writes two."""
    assert main(["why", "deployment", "web"]) == 2
    assert "got also web; a kind and its name are one, as in deployment/web" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("arguments", [["check", "9090", "--help"], ["check", "-h", "web"]])
def test_help_is_given_beside_other_arguments_too(arguments: list[str], capsys: Output) -> None:
    """As by every other command."""
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("usage: tcp-probe check")


def test_a_whole_number_is_asked_for(capsys: Output) -> None:
    """Where half of one cannot be meant."""
    assert main(["explain", "a.yaml", "--backlog", "1.5"]) == 2
    told = "argument --backlog: expected a whole number of at least 0, got '1.5'"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain", "FILE", "--container", "x"], "found web-0/app, web-1/app, "),
        (
            ["rehearse", "FILE", "--virtual", "--worker", "start=0", "--for", "1"],
            "not rehearsed: Pod web-1, container app; Pod web-2, ",
        ),
    ],
    ids=["explain", "rehearse"],
)
def test_of_very_many_containers_the_first_are_named(
    arguments: list[str], told: str, tmp_path: Path, capsys: Output
) -> None:
    """And the rest is counted."""
    pod = (
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-%d}\n"
        "spec: {containers: [{name: app, image: web, livenessProbe: {tcpSocket: {port: 9090}}}]}\n"
    )
    file = tmp_path / "pods.yaml"
    file.write_text("".join(pod % number for number in range(1100)))
    main([str(file) if each == "FILE" else each for each in arguments])
    error = capsys.readouterr().err
    assert told in error
    assert len(error) < 700
    assert f" and 1,0{'90' if 'explain' in arguments else '89'} more" in error

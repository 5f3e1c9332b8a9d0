from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tcp_probe
from tcp_probe.__main__ import main

TCP_PROBE = [sys.executable, "-m", "tcp_probe"]
COMMANDS = [["--help"], ["--version"], ["check", "--help"], ["check", "1"], ["explain", "--help"]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_is_no_error(arguments: list[str]) -> None:
    """As `| head` leaves a command: nothing on the standard error, and exit status 0."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [*TCP_PROBE, *arguments], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_output_that_cannot_be_written_is_told(arguments: list[str]) -> None:
    """A full disk is told in one line on the standard error, with exit status 74."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*TCP_PROBE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    message = "tcp_probe: cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (74, message)


def test_without_a_standard_output_a_check_still_checks() -> None:
    """A standard output that is closed, as by `>&-`, changes nothing."""
    command = " ".join(["exec", *TCP_PROBE, "check", "1", ">&-"])
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_error_that_is_not_of_the_output_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a defect of ours shows as one."""

    def broken(_: object) -> int:
        raise OSError(0, "a defect")

    monkeypatch.setattr("tcp_probe._check_command.check", broken)
    with pytest.raises(OSError, match="a defect"):
        main(["check", "1"])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the version of the package."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tcp-probe {tcp_probe.__version__}\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [(BrokenPipeError(), 0), (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 74)],
    ids=["reader gone", "disk full"],
)
def test_what_python_flushes_at_its_exit_goes_nowhere(
    error: OSError, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After an output that failed nothing more is written, which would fail once more."""

    def failing(_: object) -> int:
        raise error

    monkeypatch.setattr("tcp_probe._check_command.check", failing)
    output = tmp_path / "output"
    with output.open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["check", "1"]) == status
        stdout.write("flushed at exit")
        stdout.flush()
        monkeypatch.undo()
    assert output.read_text() == ""


def test_streams_that_are_closed_are_not_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a standard output runs a command as any other does."""
    monkeypatch.setattr(sys, "stdout", None)
    status = main(["--version"])
    monkeypatch.undo()
    assert status == 0

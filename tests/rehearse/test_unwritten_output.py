from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tcp_probe.__main__ import main
from tcp_probe.rehearse.command import rehearse


def test_a_reader_that_has_gone_ends_a_virtual_rehearsal(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `| head` does; nothing is printed any more, and nothing fails."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["rehearse", file, "--virtual", "--worker", "close=1", "--json"]) == 0


def test_a_reader_that_has_gone_ends_a_rehearsal(
    free_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ^C does."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["rehearse", free_file, "--json", "--", "sleep", "100"]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_that_cannot_be_written_is_told(options: list[str], free_file: str) -> None:
    """In one line, as of the other commands, and the rehearsal ends."""
    with Path("/dev/full").open("wb") as full:
        command = ["rehearse", free_file, *options, "--", "sleep", "100"]
        done = subprocess.run(
            [sys.executable, "-m", "tcp_probe", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 74
    told = done.stderr.splitlines()
    assert told[-1] == "tcp_probe: cannot write the output: No space left on device"
    assert all(line.startswith("tcp_probe: ") for line in told)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_closed_output_is_none(
    options: list[str], file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then only the exit status tells."""
    monkeypatch.setattr(sys, "stdout", None)
    assert rehearse([file, "--virtual", "--worker", "start=0", "--for", "9", *options]) == 0

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import claude_worker
import pytest
from settings import Settings


def refusal(*arguments: str, **environment: str) -> str:
    """Start a worker that must refuse its settings; return what it wrote."""
    done = subprocess.run(
        [sys.executable, claude_worker.__file__, *arguments],
        env=os.environ | {"PROBE_HOST": "127.0.0.1"} | environment,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LIVENESS_PORT", "http", "a whole number from 0 to 65535"),
        ("READINESS_PORT", "65536", "a whole number from 0 to 65535"),
        ("READINESS_PORT", "-1", "a whole number from 0 to 65535"),
        ("ATTEMPTS", "0", "a whole number from 1 to 1000"),
        ("ATTEMPTS", "2.5", "a whole number from 1 to 1000"),
        ("TURN_TIMEOUT", "2m", "a positive number of seconds"),
        ("TURN_TIMEOUT", "0", "a positive number of seconds"),
        ("STALL_TIMEOUT", "-1", "a positive number of seconds"),
        ("RETRY_DELAY", "nan", "a positive number of seconds"),
        ("POLL_INTERVAL", "inf", "a positive number of seconds"),
        ("WATCHDOG_TIMEOUT", "120", "longer than TURN_TIMEOUT"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(name: str, value: str, expected: str) -> None:
    """The error tells the variable, what it must be, and what it is."""
    with pytest.raises(ValueError, match=f"^{name} must be {expected}.*{value}"):
        Settings.from_environment({name: value})


def test_the_watchdog_leaves_a_turn_its_timeout_and_its_end() -> None:
    """Unless told otherwise the watchdog is longer than a turn and the 21 s its end may take."""
    settings = Settings.from_environment({"TURN_TIMEOUT": "600"})
    assert settings.watchdog_timeout - settings.turn_timeout > 21


def test_an_empty_variable_is_as_good_as_none() -> None:
    """A manifest that leaves a value empty gets the default."""
    names = ("SPOOL", "LIVENESS_PORT", "TURN_TIMEOUT", "ATTEMPTS", "PROBE_HOST")
    assert Settings.from_environment(dict.fromkeys(names, "")) == Settings.from_environment({})


def test_a_bad_value_ends_the_worker_with_one_line(tmp_path: Path) -> None:
    """Who mistypes sees no traceback."""
    error = refusal(SPOOL=str(tmp_path), LIVENESS_PORT="909O")
    expected = "LIVENESS_PORT must be a whole number from 0 to 65535, not '909O'"
    assert error == f"claude_worker: {expected}\n"


def test_a_spool_that_cannot_be_made_ends_the_worker_with_one_line(tmp_path: Path) -> None:
    """The line names the folder."""
    (tmp_path / "file").touch()
    error = refusal(SPOOL=str(tmp_path / "file"))
    assert error.startswith("claude_worker: ")
    assert error.count("\n") == 1
    assert str(tmp_path / "file") in error


def test_a_port_in_use_ends_the_worker_with_one_line(tmp_path: Path) -> None:
    """The line names the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        error = refusal(SPOOL=str(tmp_path), LIVENESS_PORT=port)
    assert error.startswith("claude_worker: ")
    assert error.count("\n") == 1
    assert port in error


def test_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    """The error lists the faults there are."""
    error = refusal("--fault", "explode", SPOOL=str(tmp_path))
    assert "block" in error
    assert "Traceback" not in error

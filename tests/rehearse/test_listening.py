from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tcp_probe.rehearse.guard import VARIABLE
from tcp_probe.rehearse.listening import is_loopback, listening, why_refused

SERVER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], 0), family=family) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@contextmanager
def worker(host: str, token: str) -> Iterator[int]:
    """Run a process with this token that listens on a port of this host."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", SERVER, host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, VARIABLE: token},
    ) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.communicate()


@pytest.fixture
def token() -> str:
    """Make the token of a rehearsal."""
    return uuid.uuid4().hex


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_what_a_worker_listens_on_is_seen(host: str, token: str) -> None:
    """With its address, and nothing of what other processes listen on."""
    with worker(host, token) as port, worker(host, "another"):
        assert listening(token) == {(host, port)}
    assert listening(token) == set()


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.5.5.5", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
    ],
)
def test_loopback_is_told_from_what_others_reach(address: str, loopback: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Every interface is none of it."""
    assert is_loopback(address) is loopback


def test_a_worker_on_loopback_alone_is_found_out(token: str) -> None:
    """With what to change."""
    with worker("127.0.0.1", token) as port:
        why = why_refused(port, token)
    assert why
    assert f"port {port} of 127.0.0.1 only" in why
    assert "0.0.0.0" in why


def test_a_worker_on_another_port_is_found_out(token: str) -> None:
    """With the port that it is."""
    with worker("0.0.0.0", token) as port:
        assert why_refused(1, token) == (
            f"the worker does not listen on port 1, but on {port}: probe that port."
        )


def test_a_port_that_another_probe_asks_is_not_meant_instead(token: str) -> None:
    """Liveness and readiness have a port each, and one may refuse for a reason of its own."""
    with worker("0.0.0.0", token) as port:
        assert why_refused(1, token, [1, port]) is None


def test_a_port_of_loopback_alone_is_no_port_to_probe(token: str) -> None:
    """Then there is nothing to say."""
    with worker("127.0.0.1", token):
        assert why_refused(1, token) is None


def test_a_port_that_does_listen_is_no_reason(token: str) -> None:
    """It may have begun a moment after the check."""
    with worker("0.0.0.0", token) as port:
        assert why_refused(port, token) is None


def test_without_proc_there_is_nothing_to_see(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: str
) -> None:
    """As on macOS."""
    monkeypatch.setattr("tcp_probe.rehearse.listening.PROC", tmp_path)
    with worker("0.0.0.0", token):
        assert listening(token) == set()

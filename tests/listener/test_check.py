from __future__ import annotations

import runpy
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import tcp_probe
from tcp_probe.__main__ import main


@pytest.fixture
def listening() -> Iterator[int]:
    """Keep a port that the kernel answers for, on IPv4."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """Keep a port whose listen queue is full, as that of a process which stands still."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            yield port


def test_returns_the_seconds_it_took(listening: int) -> None:
    """A check that passes returns how long the connect took."""
    assert 0 < tcp_probe.check(listening, timeout=20) < 20


def test_refused(free_port: int) -> None:
    """A port that nothing listens on raises ConnectionRefusedError."""
    with pytest.raises(ConnectionRefusedError):
        tcp_probe.check(free_port)


def test_times_out(full: int) -> None:
    """A port whose listen queue is full raises TimeoutError after the timeout."""
    with pytest.raises(TimeoutError):
        tcp_probe.check(full, timeout=0.05)


@pytest.mark.usefixtures("ipv6")
def test_host() -> None:
    """The check goes to the host that is given."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert tcp_probe.check(server.getsockname()[1], "::1", 20) < 20


def test_host_with_international_letters(free_port: int) -> None:
    """A name beyond ASCII is looked up like any other."""
    with pytest.raises(socket.gaierror):
        tcp_probe.check(free_port, "bücher.invalid")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"port": 0}, ValueError, "port: expected 1 to 65535, got 0"),
        ({"port": "9090"}, TypeError, "port: expected an int, got '9090'"),
        ({"port": 9090, "timeout": 0}, ValueError, "timeout: .* above 0, at most 1e9, got 0"),
        ({"port": 9090, "host": None}, TypeError, r"host: expected a text, got None \(NoneType\)"),
        (
            {"port": 9090, "host": "é" * 70},
            ValueError,
            "host: expected an address or a name, got 'é",
        ),
        (
            {"port": 9090, "timeout": "1"},
            TypeError,
            "timeout: expected a number of seconds, got '1'",
        ),
    ],
)
def test_arguments_that_cannot_be_meant(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Bad arguments name themselves and the value."""
    with pytest.raises(error, match=message):
        tcp_probe.check(**arguments)


@pytest.mark.parametrize("host", ["", "127.0.0.1:", "localhost:"])
def test_command_passes(host: str, listening: int, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` of a port that listens prints one line and returns 0."""
    assert main(["check", f"{host}{listening}"]) == 0
    shown = host or "127.0.0.1:"
    printed = capsys.readouterr().out
    assert printed.startswith(f"dial tcp {shown}{listening}: connected in ")
    assert printed.count("\n") == 1


def test_command_refused(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` of a port that refuses prints kubelet's words and returns 1."""
    assert main(["check", str(free_port)]) == 1
    expected = f"dial tcp 127.0.0.1:{free_port}: connect: connection refused\n"
    assert capsys.readouterr().out == expected


@pytest.mark.usefixtures("ipv6")
def test_command_with_ipv6(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An IPv6 address stands in brackets, and is shown in brackets."""
    assert main(["check", f"[::1]:{free_port}"]) == 1
    expected = f"dial tcp [::1]:{free_port}: connect: connection refused\n"
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("option", [["--timeout", "0.05"], ["--timeout=0.05"]])
def test_command_times_out(
    option: list[str], full: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` of a full listen queue prints kubelet's words after `--timeout` and returns 1."""
    assert main(["check", *option, str(full)]) == 1
    assert capsys.readouterr().out == f"dial tcp 127.0.0.1:{full}: i/o timeout\n"


def test_command_with_a_name_that_does_not_resolve(capsys: pytest.CaptureFixture[str]) -> None:
    """A host that does not resolve prints kubelet's words and returns 1."""
    assert main(["check", "no.such.invalid:9090"]) == 1
    assert capsys.readouterr().out == "dial tcp: lookup no.such.invalid: no such host\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected one [HOST:]PORT, as in localhost:9090, got none"),
        (
            ["localhost", "80"],
            "expected one [HOST:]PORT, as in localhost:9090, got localhost 80",
        ),
        (["http"], "expected a port from 1 to 65535, got 'http'"),
        (
            ["http://localhost:80"],
            "give HOST:PORT, not a URL: got 'http://localhost:80'",
        ),
        (["localhost:"], "expected a port from 1 to 65535, got ''"),
        (["0"], "port: expected 1 to 65535, got 0"),
        (["65536"], "port: expected 1 to 65535, got 65536"),
        (["\udcff:80"], r"host: expected an address or a name, got '\udcff'"),
        (["٣"], "expected a port from 1 to 65535, got '٣'"),
        (
            ["::1:9090"],
            "expected brackets around an IPv6 address and a port, as in [::1]:9090, got ::1:9090",
        ),
        (
            ["[::1]"],
            "expected brackets around an IPv6 address and a port, as in [::1]:9090, got [::1]",
        ),
        (
            ["9", "--timeout=1e10"],
            "--timeout: expected a number of seconds above 0, at most 1e9, got '1e10'",
        ),
        (["--timeout", "9090"], "expected one [HOST:]PORT, as in localhost:9090, got none"),
        (
            ["9090", "--timeout"],
            "--timeout: expected a number of seconds above 0, at most 1e9, got ''",
        ),
        (
            ["9090", "--timeout=0"],
            "--timeout: expected a number of seconds above 0, at most 1e9, got '0'",
        ),
        (
            ["9090", "--timeout=nan"],
            "--timeout: expected a number of seconds above 0, at most 1e9, got 'nan'",
        ),
        (["9090", "--wait"], "expected [HOST:]PORT or --timeout, got '--wait'"),
    ],
)
def test_command_with_bad_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad arguments are told with the usage, on stderr, and return 2."""
    assert main(["check", *arguments]) == 2
    told = capsys.readouterr()
    assert told.err.splitlines()[0] == f"tcp_probe: {message}"
    assert "usage: tcp-probe check" in told.err
    assert told.out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["check", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help goes to stdout and returns 0."""
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("usage: tcp-probe")


@pytest.mark.parametrize("command", ["explain", "rehearse", "why"])
def test_the_tools_are_commands_too(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`explain`, `rehearse` and `why` are reached through the same entry."""
    assert main([command, "--help"]) == 0
    assert command in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["chekc"]])
def test_commands_that_do_not_exist(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that is missing or mistyped is told with the usage and returns 2."""
    assert main(arguments) == 2
    assert "expected a command, got" in capsys.readouterr().err


def test_as_a_process(free_port: int) -> None:
    """`python -m tcp_probe check` exits with what the command returns."""
    command = [sys.executable, "-m", "tcp_probe", "check", str(free_port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == f"dial tcp 127.0.0.1:{free_port}: connect: connection refused\n"
    assert done.stderr == ""


def test_as_a_module(
    free_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The module exits with what the command returns."""
    monkeypatch.setattr(sys, "argv", ["tcp_probe", "check", str(free_port)])
    monkeypatch.delitem(sys.modules, "tcp_probe.__main__")
    with pytest.raises(SystemExit) as exited:
        runpy.run_module("tcp_probe", run_name="__main__")
    assert exited.value.code == 1
    assert capsys.readouterr().out.endswith("connect: connection refused\n")

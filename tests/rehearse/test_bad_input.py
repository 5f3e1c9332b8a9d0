from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

import tcp_probe
from tcp_probe import _command_line
from tcp_probe.explain.command import explain
from tcp_probe.rehearse.command import rehearse

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: MANIFEST"),
        (["FILE", "--virtual"], "--virtual needs --worker SPEC, as in --worker start=12"),
        (["FILE", "--virtual", "--worker", "start=0", "--", "x"], "takes no command"),
        (["FILE", "--worker", "start=0"], "--worker is for --virtual: add that"),
        (["FILE", "--virtual", "--worker", "x=0"], "argument --worker: expected start, close"),
        (["FILE", "--for", "soon"], "argument --for: expected a number of at least 0, got 'soon'"),
        (["FILE", "--timeline", "x.png"], "expected a file that ends in .svg, got 'x.png'"),
        (["FILE", "job.yaml"], "expected one argument beside the options, got also job.yaml"),
        (["FILE", "--for", "-1"], "argument --for: expected a number of at least 0, got '-1'"),
        (["FILE", "--for", "inf"], "argument --for: expected a number of at least 0, got 'inf'"),
        (["FILE", "--seed", "x"], "argument --seed: expected a whole number, got 'x'"),
        (["FILE", "--speed", "2"], "no such option: --speed; is it --seed?"),
        (["none.yaml"], "none.yaml: expected a readable file, but: no such file or directory"),
        (["FILE", "--container", "web"], "expected a container 'web', found worker"),
        (["FILE"], "expected a command after --: container worker leaves it to its image"),
        (
            ["FILE", "--", "no-such-command"],
            "cannot run 'no-such-command' of container worker here: no such program",
        ),
        (["FILE", "--", "sleep 3"], "no such program that may be run; each word stands apart"),
        (
            ["FILE", "--", os.devnull],
            "cannot run '/dev/null' of container worker here: no such program that may be run",
        ),
    ],
)
def test_bad_input_is_told(arguments: list[str], problem: str, file: str, capsys: Output) -> None:
    """On the standard error, with exit status 2 and no traceback."""
    assert rehearse([file if each == "FILE" else each for each in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert problem in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(("module", "name"), [("yaml", "PyYAML"), ("rich", "rich")])
@pytest.mark.parametrize("command", [explain, rehearse])
def test_a_missing_extra_is_told(
    module: str,
    name: str,
    command: Callable[[list[str]], int],
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one line that says what to install."""
    monkeypatch.setattr(
        _command_line, "find_spec", lambda wanted: None if wanted == module else wanted
    )
    assert command(["worker.yaml"]) == 2
    hint = "pip install 'anyio-tcp-probe[tools]'"
    assert capsys.readouterr().err == f"tcp_probe: {name} is missing: {hint}\n"


def test_grpc_needs_packages(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is told before anything is started, with what to install."""
    monkeypatch.setattr("tcp_probe.rehearse.grpc_check.find_spec", lambda _: None)
    file = manifest(pod(livenessProbe={"grpc": {"port": 9000}}))
    assert rehearse([file, "--", "true"]) == 2
    problem = "a grpc probe needs grpcio and grpcio-health-checking: pip install 'anyio-tcp-probe["
    assert problem in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(
    manifest: Manifest, pod: Pod, capsys: Output, taken_port: int
) -> None:
    """What listens there would answer in the worker's place, which in a pod it cannot."""
    file = manifest(pod(livenessProbe={"tcpSocket": {"port": taken_port}}))
    assert rehearse([file, "--", "sleep", "100"]) == 2
    assert f"expected nothing on port {taken_port} before the worker" in capsys.readouterr().err


def test_a_port_that_is_taken_and_refuses_is_told(
    manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """A worker that is not well holds its port: this one could not listen there."""
    with tcp_probe.serve(0) as probe:
        probe.fail("not well")
        file = manifest(pod(livenessProbe={"tcpSocket": {"port": probe.port}}))
        assert rehearse([file, "--", "sleep", "100"]) == 2
        told = capsys.readouterr().err
    assert f"expected nothing on port {probe.port} before the worker is started" in told
    assert "holds it, though it refuses now" in told


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::", "[::1]"])
def test_a_probe_of_the_nodes_own_loopback_is_not_simulated(
    host: str, manifest: Manifest, pod: Pod, capsys: Output
) -> None:
    """No worker could answer it."""
    file = manifest(pod(livenessProbe={"tcpSocket": {"port": 9090, "host": host}}))
    assert rehearse([file, "--virtual", "--worker", "start=0"]) == 2
    assert "the liveness probe names a host that to kubelet is its node's own" in (
        capsys.readouterr().err
    )

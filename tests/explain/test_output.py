from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcp_probe.explain.command import explain

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]
Fields = dict[str, Any]
Output = pytest.CaptureFixture[str]

DEAD = {"tcpSocket": {"port": "dead"}}


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_output_fits_the_terminal(  # noqa: PLR0913, PLR0917 (a row, and fixtures)
    width: int,
    manifest: Manifest,
    pod: Pod,
    good: Fields,
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From 60 columns on."""
    monkeypatch.setenv("COLUMNS", str(width))
    hook = {"preStop": {"exec": {"command": ["drain"]}}}
    document = pod(**{**good, "livenessProbe": DEAD, "lifecycle": hook})
    explain([manifest(document, {"kind": "Secret"}), "--tcp-probe"])
    lines = capsys.readouterr().out.splitlines()
    assert width * 0.7 < max(map(len, lines)) <= width


def test_there_is_no_colour_but_on_a_terminal(
    manifest: Manifest, pod: Pod, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none there where NO_COLOR is set."""
    file = manifest(pod(livenessProbe=DEAD))
    explain([file])
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    explain([file])
    assert "\x1b[1;31merror: named-port" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    explain([file])
    assert "\x1b[31m" not in capsys.readouterr().out.replace("1;31", "31")


def test_nothing_in_a_manifest_moves_the_cursor(
    manifest: Manifest, pod: Pod, good: Fields, capsys: Output
) -> None:
    """A name is shown, not obeyed, and cut where it is long."""
    document = pod(**{**good, "x\x1b[31m\n" + "y" * 500: 1, "image": "é\u202e"})
    document["metadata"]["name"] = "\x1b[2J" + "z" * 500
    assert explain([manifest(document, *[{"kind": "A\x1b"}] * 12)]) == 1
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\\x1b[2Jzzz" in output
    assert "A\\x1b a\\x1b and 2 more" in " ".join(output.split())
    assert max(map(len, output.splitlines())) <= 200


def test_the_help_tells_of_helm_and_argo(capsys: Output) -> None:
    """How to explain what they make of a manifest."""
    assert explain(["--help"]) == 0
    output = capsys.readouterr().out
    assert "helm template CHART | tcp-probe explain -" in output
    assert "--template spec.template" in output

from __future__ import annotations

from pathlib import Path

import pytest

from tcp_probe.rehearse.command import rehearse

Output = pytest.CaptureFixture[str]


def test_a_picture_is_written(file: str, tmp_path: Path, capsys: Output) -> None:
    """To the file that was named."""
    picture = tmp_path / "hang.svg"
    arguments = [file, "--virtual", "--worker", "close=3", "--for", "40"]
    assert rehearse([*arguments, "--timeline", str(picture)]) == 1
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<svg ")
    assert "Pod worker" in text
    assert "worker: ready after 0.0 s, the liveness probe fails at the end, 3 restarts" in text


def test_a_picture_is_written_of_a_real_run(free_file: str, tmp_path: Path) -> None:
    """As of a simulation."""
    picture = tmp_path / "hang.svg"
    arguments = [free_file, "--for", "1", "--timeline", str(picture)]
    assert rehearse([*arguments, "--", "sleep", "60"]) == 1
    assert "no restarts" in picture.read_text(encoding="utf-8")


def test_a_picture_that_cannot_be_written_is_told_at_once(file: str, capsys: Output) -> None:
    """Before the rehearsal, which may take an hour."""
    arguments = [file, "--virtual", "--worker", "start=0", "--timeline", "/no/such/folder/a.svg"]
    assert rehearse(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    problem = "/no/such/folder/a.svg: expected a file to write to, but: no such file or directory"
    assert problem in captured.err

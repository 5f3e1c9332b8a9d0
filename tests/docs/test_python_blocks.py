from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from pages import ROOT, Block, blocks

import tcp_probe

DEADLINE = 60  # s, for what takes 2 s on an idle machine


def port_of(code: str) -> int | None:
    """Find the port that the program opens for checks."""
    found = re.search(r"(?:serve|start|listen)\((?:app, )?(\d{4,5})", code)
    return int(found[1]) if found else None


def passes(port: int | None) -> bool:
    if port is None:
        return False
    try:
        tcp_probe.check(port)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.place)
def test_a_python_block_runs_as_it_stands(block: Block, elsewhere: Callable[[str], str]) -> None:
    """As a file it ends well, or runs on and its port passes checks; Python warns of nothing."""
    code = elsewhere(block.code)
    port = port_of(code)
    command = [sys.executable, "-W", "error", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        deadline = time.monotonic() + DEADLINE
        seen = False
        while it.poll() is None and not seen and time.monotonic() < deadline:
            time.sleep(0.05)
            seen = passes(port)
        try:
            # Most end by themselves soon; what runs for ever has shown that it does.
            it.wait(1 if seen else 0.1)
        except subprocess.TimeoutExpired:
            it.send_signal(signal.SIGKILL)
            it.wait()
        assert it.stderr
        told = it.stderr.read()
    assert "Traceback" not in told
    assert "Warning" not in told
    assert it.returncode == 0 or seen


def test_the_first_example_is_short() -> None:
    """The README's example has at most 12 lines."""
    first = next(block for block in blocks("python") if block.place.startswith("README.md"))
    assert len(first.code.splitlines()) <= 12


def test_the_readme_is_a_door() -> None:
    """The README fits on a page: 130 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130

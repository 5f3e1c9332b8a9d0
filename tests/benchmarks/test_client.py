from __future__ import annotations

import sys

import pytest

from benchmarks.client import run, start, times
from benchmarks.processes import serving, worker


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("tcp", "asyncio.start_server"),
        ("eof", "asyncio.start_server"),
        ("eof", "tcp_probe on trio"),
        ("http", "aiohttp"),
    ],
)
def test_times_each_check(kind: str, name: str) -> None:
    """A client returns for each check how long the connect and the whole of it took."""
    with serving({name: worker(name)}) as servers:
        port = servers[name].port
        found = [times(start(kind, port, 3, period=0.001))]
        found += [] if kind == "tcp" else [times(start(kind, port, 3, level=3))]
    for connects, wholes in found:
        assert len(connects) == 3
        pairs = zip(connects, wholes, strict=True)
        assert all(0 < connect <= whole < 20e9 for connect, whole in pairs)


def test_times_a_command() -> None:
    """A client returns for a command its time, its CPU time and its peak of memory alone."""
    whole, cpu, peak = run([sys.executable, "-c", 'b"x" * 50_000_000'])
    assert 0 < cpu <= 2 * whole
    assert peak > 50e6
    assert run(["true"])[2] < 10e6


def test_says_what_went_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    """A check that is refused, and a command that fails, end the benchmark with the reason."""
    with pytest.raises(RuntimeError, match="the client failed"):
        times(start("tcp", 1, 1))
    assert "refused" in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="the client failed"):
        run([sys.executable, "-c", "raise SystemExit(3)"])
    assert "failed" in capfd.readouterr().err

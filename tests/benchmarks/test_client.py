from __future__ import annotations

import sys
from typing import Any

import pytest

from benchmarks.client import times
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
def test_times_each_check(client: Any, kind: str, name: str) -> None:
    """A client returns for each check how long the connect and the whole of it took."""
    with serving({name: worker(name)}) as servers:
        port = servers[name].port
        found = [times(client.start(kind, port, 3, period=0.001))]
        found += [] if kind == "tcp" else [times(client.start(kind, port, 3, level=3))]
    for connects, wholes in found:
        assert len(connects) == 3
        pairs = zip(connects, wholes, strict=True)
        assert all(0 < connect <= whole < 20e9 for connect, whole in pairs)


def test_times_each_run_of_a_command(client: Any) -> None:
    """A client returns for each run of a command its time, its CPU time and its peak."""
    whole, cpu, peak = client.commands([sys.executable, "-c", 'b"x" * 50_000_000'], 2)
    assert len(whole) == 2
    assert all(0 < used <= 2 * took for used, took in zip(cpu, whole, strict=True))
    assert all(each > 50e6 for each in peak)


def test_says_what_went_wrong(client: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """A check that is refused, and a command that fails, end the benchmark with the reason."""
    with pytest.raises(RuntimeError, match="the client failed"):
        times(client.start("tcp", 1, 1))
    assert "refused" in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="the client failed"):
        client.commands([sys.executable, "-c", "raise SystemExit(3)"], 1)
    assert "failed" in capfd.readouterr().err

from __future__ import annotations

import sys
from typing import Any

import pytest

from benchmarks.processes import candidate_command, serving


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
    with serving({name: candidate_command(name)}) as servers:
        port = servers[name].port
        found = [client.one_by_one(kind, port, 3, 0.001)]
        found += [] if kind == "tcp" else [client.at_once(kind, port, 3, 1)]
    for times in found:
        assert len(times.connect) == len(times.whole) == 3
        pairs = zip(times.connect, times.whole, strict=True)
        assert all(0 < connect <= whole < 20e9 for connect, whole in pairs)


def test_times_each_run_of_a_command(client: Any) -> None:
    """A client returns for each run of a command its time, its CPU time and its peak."""
    runs = client.commands([sys.executable, "-c", 'b"x" * 50_000_000'], 2)
    assert len(runs.whole) == 2
    assert all(0 < cpu <= 2 * whole for cpu, whole in zip(runs.cpu, runs.whole, strict=True))
    assert all(peak > 50e6 for peak in runs.peak)


def test_says_what_went_wrong(client: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """A check that is refused, and a command that fails, end the benchmark with the reason."""
    with pytest.raises(RuntimeError, match="the client failed"):
        client.one_by_one("tcp", 1, 1)
    assert "refused" in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="the client failed"):
        client.commands([sys.executable, "-c", "raise SystemExit(3)"], 1)
    assert "failed" in capfd.readouterr().err

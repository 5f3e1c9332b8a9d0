from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator

import pytest

from benchmarks.client import run, start, times
from benchmarks.processes import serving, worker


@pytest.fixture(scope="module", autouse=True)
def _programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile where pytest cleans up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("programs")))
        yield


@pytest.mark.parametrize(
    ("name", "to_the_end"),
    [
        ("asyncio.start_server", False),
        ("asyncio.start_server", True),
        ("tcp_probe on trio", True),
        ("aiohttp", True),
    ],
)
def test_times_each_check(name: str, *, to_the_end: bool) -> None:
    """A client returns for each check how long the connect and the whole of it took."""
    with serving({name: worker(name)}) as servers:
        found = [times(start(servers[name], 3, period=0.001, to_the_end=to_the_end))]
        found += [times(start(servers[name], 3, level=3, to_the_end=True))] if to_the_end else []
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
    name = "asyncio.start_server"
    with serving({name: worker(name)}) as servers:
        pass
    with pytest.raises(RuntimeError, match="the client failed"):
        times(start(servers[name], 1))
    assert "refused" in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="the client failed"):
        run([sys.executable, "-c", "raise SystemExit(3)"])
    assert "failed" in capfd.readouterr().err

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.client import check
from benchmarks.processes import compiled, found_by, serving, worker


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
        ("FastAPI with uvicorn", True),
    ],
)
@pytest.mark.parametrize("how", [{"period": 0.001}, {"period": 0.001, "spin": True}, {"level": 3}])
def test_times_each_check(name: str, how: dict[str, Any], *, to_the_end: bool) -> None:
    """A client tells for each check how long the connect and the whole of it took, and the CPU."""
    with serving({name: worker(name)}) as servers:
        cpu, (connects, wholes) = check(servers[name], 3, to_the_end=to_the_end, **how)
    assert cpu >= 0
    assert len(connects) == 3
    pairs = zip(connects, wholes, strict=True)
    assert all(0 < connect <= whole < 20e6 for connect, whole in pairs)


def test_times_a_command() -> None:
    """What a command takes: its time, its CPU time and its peak of memory alone."""
    command = [sys.executable, "-c", 'b"x" * 50_000_000']
    whole, cpu, peak = found_by([compiled("run"), *command])
    assert 0 < cpu <= 2 * whole
    assert peak > 50e6
    assert found_by([compiled("run"), "true"])[2] < 10e6


def test_says_what_went_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    """A check that is refused, an answer that is none, and a command that fails end a benchmark."""
    name = "asyncio.start_server"
    with serving({name: worker(name)}) as servers:
        servers[name].kind = "http"
        with pytest.raises((RuntimeError, ConnectionResetError)):
            check(servers[name], 1)
    with pytest.raises(ConnectionRefusedError):
        check(servers[name], 1)
    with pytest.raises(subprocess.CalledProcessError):
        found_by([compiled("run"), sys.executable, "-c", "raise SystemExit(3)"])
    assert "failed: wait status" in capfd.readouterr().err

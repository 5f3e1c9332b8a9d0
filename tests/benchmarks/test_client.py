from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

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
def test_times_each_check(name: str, *, to_the_end: bool) -> None:
    """A client tells how long the connect and the whole of each check took."""
    with serving({name: worker(name)}) as servers:
        found = [check(servers[name], 3, to_the_end=to_the_end, period=0.001)]
        found += [check(servers[name], 3, to_the_end=to_the_end, level=3)]
    for connects, wholes in found:
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
    """A check that is refused, and a command that fails, end the benchmark with the reason."""
    name = "asyncio.start_server"
    with serving({name: worker(name)}) as servers, socket.socket() as refuses:
        refuses.bind(("127.0.0.1", 0))
        servers[name].port = refuses.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            check(servers[name], 1)
    with pytest.raises(subprocess.CalledProcessError):
        found_by([compiled("run"), sys.executable, "-c", "raise SystemExit(3)"])
    assert "failed: wait status" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("kind", "answer", "told"),
    [
        ("http", b"HTTP/1.1 503 Service Unavailable", "b'HTTP/1.1 503'"),
        ("http", b"", "b''"),
        ("tcp", b"hello", "expected b'', got b'hello'"),
    ],
)
def test_an_answer_that_is_none_ends_the_benchmark(kind: str, answer: bytes, told: str) -> None:
    """Whoever answers a check by HTTP with another status, or one by TCP at all, is told of."""
    with serving({"any": worker("tcp_probe on asyncio")}) as servers, ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def answers() -> None:
            client, _ = listening.accept()
            with client:
                if kind == "http":
                    client.recv(1000)
                client.sendall(answer)

        stack.enter_context(ThreadPoolExecutor(1)).submit(answers)
        servers["any"].kind, servers["any"].port = kind, listening.getsockname()[1]
        with pytest.raises(RuntimeError, match=told):
            check(servers["any"], 1, to_the_end=True)

from __future__ import annotations

import logging
import os
import random
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
import yaml

import tcp_probe
from tcp_probe.rehearse.guard import VARIABLE
from tcp_probe.rehearse.processes import guarded

# How long (s) to wait for what should happen soon: a busy machine may be slow, a broken one is not
# waited for much longer than this.
PATIENCE = 20.0
Manifest = Callable[..., str]


@pytest.fixture(
    params=[
        pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
        pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
        pytest.param(("trio", {}), id="trio"),
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run the test on every event loop that the package supports."""
    return request.param


@pytest.fixture
def checked() -> Callable[[int], str]:
    """Make one check of a port and tell what kubelet would see."""

    def checked(port: int, host: str = "127.0.0.1") -> str:
        # It may block the loop under test: the kernel completes the connect.
        try:
            tcp_probe.check(port, host, timeout=PATIENCE)
        except (ConnectionRefusedError, ConnectionResetError):
            # Reset is what was just on its way into the queue as the port began to refuse.
            return "refused"
        return "passed"

    return checked


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait in the event loop until something holds."""

    async def until(holds: Callable[..., object], *arguments: object) -> None:
        with anyio.fail_after(PATIENCE):
            while not holds(*arguments):
                await anyio.sleep(0.01)

    return until


@pytest.fixture
def soon() -> Callable[..., None]:
    """Wait, without an event loop, until something holds."""

    def soon(holds: Callable[..., object], *arguments: object) -> None:
        ends = time.monotonic() + PATIENCE
        while not holds(*arguments):
            assert time.monotonic() < ends
            time.sleep(0.005)

    return soon


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Read what the logger `tcp_probe` has told so far, level and message."""
    caplog.set_level(logging.DEBUG, "tcp_probe")

    def lines() -> list[str]:
        return [
            f"{record.levelname} {record.getMessage()}"
            for record in caplog.records
            if record.name == "tcp_probe"
        ]

    return lines


@pytest.fixture
def ipv6() -> None:
    """Skip, and say so, where the machine has no IPv6."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")


_given: set[int] = set()


def unused_port() -> int:
    """Find a port below those that the kernel picks for others meanwhile, each once."""
    while True:
        # Below 28080, in which a text that stands for a port of the manuals (8080) is found again.
        port = random.randrange(20000, 28000)  # noqa: S311 - nothing secret
        if port in _given:
            continue
        try:
            with socket.create_server(("", port)):
                _given.add(port)
                return port
        except OSError:
            continue


@pytest.fixture(scope="session")
def ports() -> Callable[[], int]:
    """Find a port that nothing listens on, another one at each call."""
    return unused_port


@pytest.fixture
def free_port(ports: Callable[[], int]) -> int:
    """Find a port that nothing listens on."""
    return ports()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Keep a port that another socket listens on."""
    with socket.create_server(("0.0.0.0", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture(scope="session")
def marked() -> Iterator[dict[str, str]]:
    """Make an environment whose processes end with this one, even if it is killed."""
    token = uuid.uuid4().hex
    with guarded(token):
        yield {**os.environ, VARIABLE: token}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Write documents, as text or as values, to a file and return its name."""

    def manifest(*documents: Any) -> str:
        path = tmp_path / "worker.yaml"
        texts = [each if isinstance(each, str) else yaml.safe_dump(each) for each in documents]
        path.write_text("---\n".join(texts), encoding="utf-8")
        return str(path)

    return manifest


@pytest.fixture
def pod() -> Callable[..., dict[str, Any]]:
    """Make a Pod with one container that has these fields, and a spec that has those."""

    def pod(spec: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        container = {"name": "worker", "image": "worker", **fields}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "worker"},
            "spec": {**(spec or {}), "containers": [container]},
        }

    return pod


@pytest.fixture
def wait_until_ended() -> Callable[..., None]:
    """Wait until none of some processes runs; one that nobody has asked after may stay a zombie."""

    def runs(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def wait_until_ended(*processes: psutil.Process) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(map(runs, processes)):
            assert time.monotonic() < deadline, processes
            time.sleep(0.01)

    return wait_until_ended

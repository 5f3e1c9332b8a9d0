from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from pages import ROOT

import tcp_probe

DEADLINE = 60  # s, for what takes 2 s on an idle machine
# A page whose handler blocks the loop, as somebody will write one some day.
BLOCKING = """
import time, uvicorn, web_app

@web_app.app.get("/block")
async def block() -> None:
    time.sleep(600)

uvicorn.run(web_app.app, port=web_app.PORT)
"""


class App:
    """The example as a process, and what it answers."""

    def __init__(self, port: int, liveness_port: int) -> None:
        self._port = port
        self._liveness_port = liveness_port

    def get(self, path: str, timeout: float = 10) -> tuple[int, object]:
        """Ask for a page; 0 is the status of an app that does not answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}{path}", timeout=timeout
            ) as it:
                return it.status, json.load(it)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, None

    def is_alive(self) -> bool:
        """Make a check of the liveness port."""
        try:
            tcp_probe.check(self._liveness_port)
        except OSError:
            return False
        return True

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + DEADLINE
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.05)


Start = Callable[..., AbstractContextManager[App]]


@pytest.fixture
def start(elsewhere: Callable[[str], str]) -> Start:
    """Run the example, or code that imports it, with these variables."""

    @contextmanager
    def start(*command: str, **environment: str) -> Iterator[App]:
        ports = {"PORT": elsewhere("8000"), "LIVENESS_PORT": elsewhere("9090")}
        process = subprocess.Popen(
            [sys.executable, *(command or ("web_app.py",))],
            cwd=ROOT / "examples",
            env={**os.environ, **ports, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield App(*map(int, ports.values()))
        finally:
            process.kill()
            process.wait()

    return start


def test_the_app_is_alive_before_it_is_ready(start: Start) -> None:
    """While it loads, checks and /healthz pass, and /ready names what is missing."""
    with start(LOAD_SECONDS="3") as app:
        app.until(lambda: app.get("/healthz") == (200, "ok"))
        assert app.is_alive()
        assert app.get("/ready") == (503, ["loaded"])
        app.until(lambda: app.get("/ready") == (200, []))
        assert app.get("/") == (200, "done")


def test_a_paused_app_is_not_ready(start: Start, tmp_path: Path) -> None:
    """The file takes it out of service and back, and it stays alive."""
    pause_file = tmp_path / "paused"
    with start(PAUSE_FILE=str(pause_file)) as app:
        app.until(lambda: app.get("/ready") == (200, []))
        pause_file.touch()
        assert app.get("/ready") == (503, ["not paused"])
        assert app.is_alive()
        pause_file.unlink()
        assert app.get("/ready") == (200, [])


def test_a_full_app_is_not_ready(start: Start) -> None:
    """With as many requests in hand as it takes, it asks for no more until one has ended."""
    with start(MAX_IN_HAND="1") as app:
        app.until(lambda: app.get("/ready") == (200, []))
        with ThreadPoolExecutor(1) as pool:
            request = pool.submit(app.get, "/?seconds=3")
            app.until(lambda: app.get("/ready") == (503, ["room for requests"]))
            assert request.result() == (200, "done")
        assert app.get("/ready") == (200, [])


def test_a_blocking_handler_is_seen(start: Start) -> None:
    """No page answers any more, and after the stall timeout the liveness port refuses."""
    with start("-c", BLOCKING, STALL_TIMEOUT="1") as app:
        app.until(lambda: app.get("/healthz") == (200, "ok"))
        assert app.is_alive()
        assert app.get("/block", timeout=0.5) == (0, None)
        app.until(lambda: not app.is_alive())
        assert app.get("/healthz", timeout=0.5) == (0, None)

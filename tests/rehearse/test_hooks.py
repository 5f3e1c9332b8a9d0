from __future__ import annotations

import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tcp_probe.kubelet.handlers import Exec, HttpGet, Sleep, TcpSocket
from tcp_probe.rehearse.hooks import run_hook

Manifest = Callable[..., str]
Pod = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("code", [0, 7])
async def test_a_command_is_judged_by_its_code(code: int) -> None:
    """Only 0 is well."""
    command = ("sh", "-c", f"exit {code}")
    assert await run_hook(Exec(command), dict(os.environ)) is (code == 0)
    assert not await run_hook(Exec(("no-such-command",)), dict(os.environ))


async def test_any_answer_is_good_enough_for_a_page(free_port: int) -> None:
    """The status is not looked at, but somebody has to answer."""

    class NotFound(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    page = HttpGet(free_port)
    assert not await run_hook(page, {})
    with HTTPServer(("127.0.0.1", free_port), NotFound) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        try:
            assert await run_hook(page, {})
        finally:
            thread.join()


async def test_a_sleep_goes_well_and_a_connect_never(free_port: int) -> None:
    """The API takes a tcpSocket hook, but kubelet cannot run it."""
    assert await run_hook(Sleep(1), {}, speed=100)
    assert not await run_hook(TcpSocket(free_port), {})

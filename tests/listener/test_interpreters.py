from __future__ import annotations

import threading
from collections.abc import Callable

import anyio
import pytest

import tcp_probe
from tcp_probe import _in_order

Lines = Callable[[], list[str]]


async def test_an_interpreter_without_threads_of_its_own(
    lines: Lines, checked: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sub-interpreter that allows no daemon threads has a port, unwatched, and says so once."""
    reason = "daemon threads are disabled in this (sub)interpreter"

    def start(self: threading.Thread) -> None:
        raise RuntimeError(reason)

    # Not of every thread: trio, run as a guest by anyio, may need one of its own meanwhile.
    monkeypatch.setattr(_in_order.OwnThread, "start", start)
    async with tcp_probe.serve(0, stall_timeout=0.05) as probe:
        with probe.watchdog(0.01):
            await anyio.sleep(0.1)
        with probe.watchdog(0.01):
            pass
        assert checked(probe.port) == "passed"
        assert probe.refusals == 0
    told = [line for line in lines() if "is not watched" in line]
    assert told == [f"WARNING port {probe.port} is not watched: {reason}"]

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

import tcp_probe
from tcp_probe import _in_order, _termination_log

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


INTERPRETER = """
import sys
import _interpreters

print(_interpreters.exec(_interpreters.create(), sys.argv[1]) or "", end="")
"""

WORKER = """
import asyncio
import logging
import sys

import tcp_probe

logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)

async def main():
    async with tcp_probe.serve(0) as probe:
        await asyncio.to_thread(tcp_probe.check, probe.port)

asyncio.run(main())
"""


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="the module that makes them has another name"
)
def test_a_real_sub_interpreter(tmp_path: Path) -> None:
    """There a check passes, with a termination log too, and the log says that nobody watches."""
    message = tmp_path / "message"
    message.touch()
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETER, WORKER],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "TCP_PROBE_TERMINATION_LOG": str(message)},
    )
    told = [line.split(" ", 2)[2] for line in done.stdout.splitlines()]
    assert [line.split(":")[0] for line in told] == [
        "is not watched",
        "answers checks",
        "refuses checks",
    ], done


def test_an_interpreter_without_faulthandler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Python does not let it be loaded, no dump is armed, and the message works as ever."""
    monkeypatch.setattr(_termination_log, "faulthandler", None)
    file = tmp_path / "message"
    file.touch()
    message = _termination_log.TerminationMessage(str(file), 9090, print)
    message.arm(10)
    message.refuses("a reason", "")
    message.close()
    assert file.read_text() == "port 9090 refuses checks: a reason\n"

"""Signal handlers that raise as a port is opened, and as it is closed again."""

from __future__ import annotations

import gc
import logging
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import tcp_probe
from tcp_probe import _termination_log
from tcp_probe._port import Port

Checked = Callable[..., str]
Soon = Callable[..., None]

PACKAGE = str(Path(tcp_probe.__file__).parent)


class Strike(Exception):  # noqa: N818 (as a signal handler's may be called)
    """What the handler raises."""


def listen(port: int, file: Path) -> None:
    with tcp_probe.serve(port, stall_timeout=600, termination_log=file):
        pass


def struck_at(count: int, act: Callable[[], object]) -> bool:
    """Strike at the count-th place of the package where Python runs signal handlers."""
    left = count

    def strike(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        left -= event != "c_call" and frame.f_code.co_filename.startswith(PACKAGE)
        if not left:
            left = -1
            raise Strike

    sys.setprofile(strike)
    try:
        act()
    except Strike:
        pass
    finally:
        sys.setprofile(None)
    return left < 0


@pytest.fixture
def port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Collect no garbage but what a strike left: a socket, or a serve that was not entered yet."""
    gc.collect()
    gc.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        gc.collect()
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_wherever_it_strikes_nothing_is_left(
    port: int, file: Path, checked: Checked, soon: Soon, caplog: pytest.LogCaptureFixture
) -> None:
    """The port refuses, no dump is armed, nothing is in the file, and no thread runs on."""
    caplog.set_level(logging.CRITICAL, "tcp_probe")
    listen(port, file)
    threads = threading.active_count()
    count = 1
    while struck_at(count, lambda: listen(port, file)):
        assert checked(port) == "refused", count
        assert not any(each.is_armed for each in _termination_log._files.values()), count
        assert not file.read_text(), count
        gc.collect()  # a socket that had been bound, but did not listen yet
        count += 1
    assert count > 100
    soon(lambda: threading.active_count() <= threads)


async def test_struck_as_the_port_is_opened(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port refuses, no task is left, and what the handler raises comes as it is."""
    opened = []
    was = Port.open

    def struck(port: Port) -> None:
        was(port)
        opened.append(port.listener.port)
        raise Strike

    monkeypatch.setattr(Port, "open", struck)
    before = len(anyio.get_running_tasks())
    with pytest.raises(Strike):
        async with tcp_probe.serve(0, condition=anyio.lowlevel.checkpoint):
            pytest.fail("the block must not begin")
    assert len(anyio.get_running_tasks()) == before
    assert checked(*opened) == "refused"
    monkeypatch.undo()
    async with tcp_probe.serve(*opened) as probe:
        assert checked(probe.port) == "passed"

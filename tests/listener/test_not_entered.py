from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import tcp_probe


@pytest.fixture
def quiet() -> Iterator[None]:
    """Let a warning fail the test, also where it would be lost."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [str(each.message) for each in caught] == []


def test_one_that_is_never_entered_is_told() -> None:
    """To call `serve` and drop what it returns is a RuntimeWarning that names the way to enter."""
    told = r"serve\(9090\) was never entered, so nothing listens: write `async with tcp_probe"
    with pytest.warns(RuntimeWarning, match=told) as caught:
        tcp_probe.serve(9090)
    assert caught[0].filename == __file__


@pytest.mark.usefixtures("quiet")
def test_a_plain_block_that_was_left_is_not_told() -> None:
    """It was entered."""
    with tcp_probe.serve(0):
        pass


@pytest.mark.usefixtures("quiet")
async def test_a_block_that_was_left_is_not_told() -> None:
    """On no loop."""
    async with tcp_probe.serve(0):
        pass


@pytest.mark.usefixtures("quiet")
def test_start_is_not_told() -> None:
    """It listens without a block."""
    tcp_probe.start(0).close()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    "arguments", [{"host": "192.0.2.1"}, {"condition": print}], ids=["host", "condition"]
)
def test_one_that_cannot_be_entered_is_not_told(arguments: dict[str, Any]) -> None:
    """The error of its `with` tells enough."""
    with pytest.raises((OSError, TypeError)), tcp_probe.serve(0, **arguments):
        pass


@pytest.mark.usefixtures("quiet")
async def test_one_that_a_loop_cannot_enter_is_not_told() -> None:
    """Nor here."""
    with pytest.raises(OSError, match="cannot listen on host"):
        async with tcp_probe.serve(0, host="192.0.2.1"):
            pass


@pytest.mark.usefixtures("quiet")
def test_arguments_that_cannot_be_meant_are_told_alone() -> None:
    """There is nothing to enter."""
    with pytest.raises(ValueError, match="port: expected 0 to 65535"):
        tcp_probe.serve(65536)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_neither_a_forked_child_nor_the_end_of_the_interpreter_tells() -> None:
    """A child's copy is the parent's to enter; at the end it is too late to."""
    program = (
        "import os, tcp_probe\n"
        "serving = tcp_probe.serve(0)\n"
        "if not os.fork():\n"
        "    del serving\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    command = [sys.executable, "-W", "always", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

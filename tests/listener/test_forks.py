"""Forked children: the port is the parent's, and the child goes on as if there were none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BEGIN = """
import logging, os, sys, warnings
import tcp_probe
warnings.simplefilter("ignore", DeprecationWarning)  # Python tells of forks beside threads
logging.basicConfig(level=logging.INFO, format="%(process)d %(message)s", stream=sys.stdout)
"""

IN_LOOP = """
import anyio
async def main():
    async with tcp_probe.serve(0) as probe:
        await work(probe)
async def work(probe):
{work}
        os._exit(77)  # never reached
    status = os.waitpid(child, 0)[1]
    print("child", os.waitstatus_to_exitcode(status), flush=True)
    await anyio.sleep(0.1)
    tcp_probe.check(probe.port)
    with anyio.fail_after(20):
        while not probe.checks:
            await anyio.sleep(0.01)
anyio.run(main, backend={backend!r}, backend_options={options!r})
"""

PLAIN = """
def work(probe):
{work}
        os._exit(77)  # never reached
    status = os.waitpid(child, 0)[1]
    print("child", os.waitstatus_to_exitcode(status), flush=True)
    tcp_probe.check(probe.port)
with tcp_probe.serve(0) as probe:
    work(probe)
"""


def run(program: str) -> list[str]:
    """Run the program; return the lines that it and its child print, without the process."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.splitlines()


@pytest.fixture(params=["plain", "loop"])
def forms(request: pytest.FixtureRequest, anyio_backend: Any) -> str:
    """Return a program for each form of `serve`, on each loop, with a hole for the work."""
    backend, options = anyio_backend
    if request.param == "plain":
        if anyio_backend != ("trio", {}):
            pytest.skip("has no loop to be different")
        return PLAIN
    return IN_LOOP.replace("{backend!r}", repr(backend)).replace("{options!r}", repr(options))


@pytest.mark.parametrize("code", [0, 5])
def test_sys_exit_in_a_child_keeps_its_code(forms: str, code: int) -> None:
    """A child that leaves through the block by sys.exit() has that exit code, and says nothing."""
    if "'trio'" in forms:
        pytest.skip(
            "a child shares the epoll set of trio's loop with its parent: it ends with 1, or waits"
            " for ever, without a port too"
        )
    if "'asyncio'" in forms and sys.version_info >= (3, 14):
        pytest.skip("such a child of asyncio does not end on Python 3.14, without a port either")
    work = f"    child = os.fork()\n    if not child:\n        sys.exit({code})"
    lines = run(forms.replace("{work}", work))
    assert f"child {code}" in lines
    assert len([line for line in lines if "checks" in line]) == 2


def test_a_child_that_leaves_a_watchdog_says_nothing(forms: str) -> None:
    """What a child does with the parent's watchdogs is not told, and the parent's port stands."""
    work = (
        "    with probe.watchdog(60) as watchdog:\n"
        "        child = os.fork()\n"
        "    watchdog.reset()\n"
        "    if not child:\n"
        "        probe.fail('in the child')\n"
        "        probe.close()\n"
        "        os._exit(4)\n"
    )
    lines = run(forms.replace("{work}", work))
    assert "child 4" in lines
    assert [line.split(" ", 3)[3] for line in lines if "port" in line] == [
        "answers checks",
        "refuses checks: the worker has ended",
    ]


def test_a_watchdog_in_a_child_says_that_it_does_nothing(forms: str) -> None:
    """The first one that a child starts says so, once; it is no error."""
    work = (
        "    child = os.fork()\n"
        "    if not child:\n"
        "        for _ in range(3):\n"
        "            with probe.watchdog(60) as watchdog:\n"
        "                watchdog.reset()\n"
        "        os._exit(4)\n"
    )
    lines = run(forms.replace("{work}", work))
    told = [line for line in lines if "belongs to the parent" in line]
    assert len(told) == 1
    assert told[0].endswith("belongs to the parent process: in this child watchdogs do nothing")


def test_a_child_may_have_a_port_of_its_own(forms: str) -> None:
    """What a child begins itself listens as ever."""
    work = (
        "    child = os.fork()\n"
        "    if not child:\n"
        "        with tcp_probe.serve(0) as own:\n"
        "            tcp_probe.check(own.port)\n"
        "            with own.watchdog(0.01):\n"
        "                while own.listening:\n"
        "                    pass\n"
        "        os._exit(4)\n"
    )
    lines = run(forms.replace("{work}", work))
    assert "child 4" in lines
    assert not any("belongs to the parent" in line for line in lines)


ARMED = """
import os, sys, time, tcp_probe
with tcp_probe.serve(0, termination_log=sys.argv[1]) as probe:
    while not probe._port.gate.last_words._file.is_armed:
        time.sleep(0.01)
    child = os.fork()
    if not child:
        sys.exit(4)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

# Another thread uses the file at the moment of the fork.
USED = """
import os, signal, sys, threading, time, tcp_probe
from tcp_probe import _termination_log
def use():
    with _termination_log._lock:
        used.set()
        time.sleep(0.2)
used = threading.Event()
threading.Thread(target=use).start()
used.wait()
child = os.fork()
if not child:
    signal.alarm(20)
    with tcp_probe.serve(0, termination_log=sys.argv[1]) as own, own.watchdog(0.01):
        while not os.path.getsize(sys.argv[1]):
            time.sleep(0.01)
    os._exit(4)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("program", [ARMED, USED], ids=["ends", "has a port"])
def test_a_child_does_not_wait_for_a_thread_of_its_parent(program: str, file: Path) -> None:
    """It ends though a dump is armed, and its own port uses the file that a thread just used."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "4\n", done.stderr

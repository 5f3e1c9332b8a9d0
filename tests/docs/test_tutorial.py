from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest
from pages import Block, blocks

DEADLINE = 120  # s, for what takes 25 s on an idle machine
PAGE = "docs/tutorial.md"


def of_the_page(language: str) -> list[Block]:
    return [block for block in blocks(language) if block.place.startswith(PAGE)]


class Follower:
    """A reader who has saved a worker and the Pod, and runs the commands of the page."""

    def __init__(self, folder: Path, worker: str, pod: str) -> None:
        self._folder = folder
        (folder / "worker.py").write_text(worker, encoding="utf-8")
        (folder / "pod.yaml").write_text(pod, encoding="utf-8")
        self._path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def start(self, command: str, log: IO[str], **environment: str) -> subprocess.Popen[str]:
        """Run a command of the page; the log gets what the worker says."""
        return subprocess.Popen(
            command.split(),
            cwd=self._folder,
            env={**os.environ, "PATH": self._path, **environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


@pytest.fixture
def followers(tmp_path: Path, ports: Callable[[], int]) -> list[Follower]:
    """Follow the page three times, once with each worker, each on a port of its own."""
    (pod,) = of_the_page("yaml")
    found = []
    for number, worker in enumerate(of_the_page("python")):
        folder = tmp_path / str(number)
        folder.mkdir()
        port = str(ports())
        found.append(
            Follower(folder, worker.code.replace("9090", port), pod.code.replace("9090", port))
        )
    return found


def command(name: str) -> str:
    """Find the one command of the page that begins so."""
    lines = [line for block in of_the_page("bash") for line in block.code.splitlines()]
    (found,) = [line for line in lines if line.startswith(name)]
    return found


def test_explain_has_nothing_to_say(followers: list[Follower], tmp_path: Path) -> None:
    """The page's Pod needs no change, as it says."""
    with (tmp_path / "log").open("w+", encoding="utf-8") as log:
        done = followers[0].start(command("tcp-probe explain"), log)
        told, _ = done.communicate(timeout=DEADLINE)
    assert "nothing found that is worth a change" in told
    assert done.returncode == 0


def test_what_the_page_tells_is_what_happens(followers: list[Follower], tmp_path: Path) -> None:
    """The first worker blocks and is killed, the second waits and is killed, the third gives up."""
    rehearse = command("tcp-probe rehearse") + " --json"
    with ExitStack() as stack:
        runs = []
        for number, follower in enumerate(followers):
            name = tmp_path / f"{number}.log"
            log = stack.enter_context(name.open("w+", encoding="utf-8"))
            runs.append((stack.enter_context(follower.start(rehearse, log)), name))
        told = []
        for process, name in runs:
            events, _ = process.communicate(timeout=DEADLINE)
            log_text = name.read_text(encoding="utf-8")
            told.append(([json.loads(line) for line in events.splitlines()], log_text))
    (blocked, blocked_log), (waited, waited_log), (mended, mended_log) = told
    assert "refuses checks: the event loop has not run for 3 s" in blocked_log
    assert "in ask_the_database" in blocked_log
    plot = ("Unhealthy", "Unhealthy", "Unhealthy", "Killing", "Exited", "Started")
    # A machine that is busy may take longer for the start than to the first check.
    after = [event for event in blocked if "Startup probe" not in event["message"]]
    seen = [event["reason"] for event in after if event["reason"] in plot]
    assert tuple(seen[1:7]) == plot  # the first is the Started of the first life
    (ended,) = [event for event in blocked if event["reason"] == "Exited"][:1]
    assert ended["message"].endswith("137")
    assert "a watchdog ran out: no reset for 5 s" in waited_log
    assert "Killing" in [event["reason"] for event in waited]
    assert "Killing" not in [event["reason"] for event in mended]
    assert "job 4 gave up" in mended_log
    assert "job 5 done" in mended_log
    assert [process.returncode for process, _ in runs] == [1, 1, 0]
    advice = [events[-1]["advice"] for events, _ in told]
    assert "anyio.to_thread.run_sync" in advice[0]
    assert "a timeout of its own" in advice[1]
    assert advice[2] is None


def test_the_message_in_the_readme_is_what_the_worker_leaves_behind(
    followers: list[Follower], tmp_path: Path
) -> None:
    """`kubectl describe` shows the termination message: its reason, and what hangs last."""
    (shown,) = [block for block in blocks("text") if "Last State" in block.code]
    reason = shown.code.split("Message:")[1].split("\n")[0].strip()
    innermost = shown.code.split("\n      Exit Code")[0].splitlines()[-2:]
    message = tmp_path / "termination-log"
    message.touch()
    with (tmp_path / "log").open("w+", encoding="utf-8") as log:
        worker = followers[0].start("python worker.py", log, TCP_PROBE_TERMINATION_LOG=str(message))
        deadline = time.monotonic() + DEADLINE
        while "ask_the_database" not in message.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        worker.kill()
        worker.communicate()
    lines = message.read_text(encoding="utf-8").splitlines()
    assert re.sub(r"\d+", "N", lines[0]) == re.sub(r"\d+", "N", reason)
    assert lines[-1].strip() == innermost[1].strip()
    assert re.sub(r'"(/.*)?(worker.py)"', r"\2", lines[-2]) == re.sub(
        r'"(/.*)?(worker.py)"', r"\2", innermost[0]
    )

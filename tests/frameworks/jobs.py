"""The user's code of the recipes under test: jobs that do as they are told, and a way to hang."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def stand_still(*_: object) -> None:
    time.sleep(10_000)


# Whoever imports this stands still in its main thread at this signal, which no framework uses.
signal.signal(signal.SIGUSR2, stand_still)


def handle(job: str) -> None:
    if job == "stand still":
        stand_still()
    while job == "wait" and not (FOLDER / "go on").exists():
        time.sleep(0.01)
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    (FOLDER / f"done {job}").touch()


async def handle_async(job: str) -> None:
    handle(job)

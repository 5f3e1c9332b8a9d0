from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Spool:
    """Jobs as files: a prompt in `inbox/` becomes a result of the same name in `outbox/`.

    A job leaves the inbox only when its result is on the disk, so a kill at any moment loses no
    job and repeats at most the one in hand. One worker to a spool. Jobs are taken in the order of
    their names; names that begin with a dot are not jobs, so write a prompt as `.name` and rename
    it, or the worker may take half of it.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folders; raises OSError if they cannot be made."""
        self.inbox = folder / "inbox"
        self.outbox = folder / "outbox"
        self.failed = folder / "failed"
        for path in (self.inbox, self.outbox, self.failed):
            path.mkdir(parents=True, exist_ok=True)

    def next_job(self) -> Path | None:
        """Return the first job in the inbox and leave it there."""
        with os.scandir(self.inbox) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_file()]
        return self.inbox / min(names) if names else None

    def finish(self, job: Path, result: str) -> None:
        """Put the result into the outbox, then take the job out of the inbox."""
        _write(self.outbox / job.name, result)
        job.unlink(missing_ok=True)

    def set_aside(self, job: Path, reason: str) -> None:
        """Move the job to `failed/NAME/prompt`, with the reason beside it."""
        folder = self.failed / job.name
        folder.mkdir(exist_ok=True)
        _write(folder / "reason", f"{reason}\n")
        with suppress(FileNotFoundError):  # the job was withdrawn meanwhile
            job.replace(folder / "prompt")


def _write(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, also after the machine went down."""
    partial = path.with_name(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name is on the disk before the job is given up
    finally:
        os.close(folder)

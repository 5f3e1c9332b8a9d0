from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import spool as spool_module
from spool import Spool

# Dies at the Nth thing that it does to the file system.
DIE = """
import os, signal, sys
from pathlib import Path
folder, step, examples, *call = sys.argv[1:]
sys.path.insert(0, examples)
from spool import Spool
spool = Spool(Path(folder))
steps = 0
def die(event, arguments):
    global steps
    if event in {"open", "os.mkdir", "os.remove", "os.rename"}:
        steps += 1
        if steps == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
getattr(spool, call[0])(spool.inbox / "job", call[1])
"""


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Make a spool with one job."""
    spool = Spool(tmp_path)
    (spool.inbox / "job").write_text("prompt")
    return spool


def killed_at(step: int, folder: Path, *call: str) -> bool:
    """Make the call in a process that is killed at a step; False if it has fewer steps."""
    examples = Path(spool_module.__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", DIE, str(folder), str(step), str(examples), *call], check=False
    )
    assert done.returncode in {0, -signal.SIGKILL}
    return done.returncode != 0


def test_a_kill_while_finishing_loses_nothing(spool: Spool, tmp_path: Path) -> None:
    """Killed at any step, the job is in the inbox or its whole result in the outbox."""
    step = 1
    while killed_at(step, tmp_path, "finish", "result"):
        results = [path.read_text() for path in spool.outbox.glob("[!.]*")]
        assert results in ([], ["result"])
        assert results or spool.next_job(), f"the job was lost at step {step}"
        step += 1
    assert step > 4
    assert spool.next_job() is None
    assert [path.name for path in spool.outbox.iterdir()] == ["job"]


def test_a_kill_while_setting_aside_loses_nothing(spool: Spool, tmp_path: Path) -> None:
    """Killed at any step, the job is in the inbox or in the failed folder with its reason."""
    step = 1
    while killed_at(step, tmp_path, "set_aside", "reason"):
        assert spool.next_job(), f"the job was lost at step {step}"
        step += 1
    assert step > 4
    assert spool.next_job() is None
    assert (spool.failed / "job" / "prompt").read_text() == "prompt"
    assert (spool.failed / "job" / "reason").read_text() == "reason\n"


def test_jobs_come_in_the_order_of_their_names(spool: Spool) -> None:
    """The first name is next, and stays in the inbox."""
    (spool.inbox / "another").touch()
    assert spool.next_job() == spool.inbox / "another"
    assert spool.next_job() == spool.inbox / "another"


def test_what_is_being_written_is_no_job(tmp_path: Path) -> None:
    """Names with a leading dot and folders are left alone."""
    spool = Spool(tmp_path)
    (spool.inbox / ".partial").touch()
    (spool.inbox / "folder").mkdir()
    assert spool.next_job() is None


def test_the_longest_name_works(tmp_path: Path) -> None:
    """A name that leaves no room for a suffix is finished and set aside like any other."""
    spool = Spool(tmp_path)
    job = spool.inbox / ("x" * 255)
    job.touch()
    spool.finish(job, "result")
    job.touch()
    spool.set_aside(job, "reason")
    assert (spool.failed / job.name / "prompt").exists()


def test_a_job_that_was_withdrawn_is_no_error(spool: Spool) -> None:
    """Its result is kept all the same, and its failure has nothing to set aside."""
    (spool.inbox / "job").unlink()
    spool.finish(spool.inbox / "job", "result")
    spool.set_aside(spool.inbox / "job", "reason")
    assert (spool.outbox / "job").read_text() == "result"


def test_a_job_may_be_sent_again(spool: Spool) -> None:
    """A second result or failure of the same name takes the place of the first."""
    for text in ("first", "second"):
        (spool.inbox / "job").write_text(text)
        spool.finish(spool.inbox / "job", text)
        (spool.inbox / "job").write_text(text)
        spool.set_aside(spool.inbox / "job", text)
    assert (spool.outbox / "job").read_text() == "second"
    assert (spool.failed / "job" / "prompt").read_text() == "second"

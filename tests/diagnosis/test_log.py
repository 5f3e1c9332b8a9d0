from __future__ import annotations

import json
from pathlib import Path

import pytest

from tcp_probe.diagnosis.log import Log, log_of
from tcp_probe.why.folder import decoded_log

FAILURES = Path(__file__).parent / "failures"

STALLED = "port 9090 refuses checks: the event loop has not run for 10 s"
ENDED = "port 9090 refuses checks: the worker has ended"
DRAINING = "port 9090 refuses checks: draining"
ANSWERS = "port 9090 answers checks"


def reason(*lines: str, port: int | None = 9090) -> str | None:
    refusal = Log("\n".join(lines)).refusal(port)
    return refusal.reason if refusal else None


def test_the_last_refusal_of_the_port_counts() -> None:
    """Not that of another port, and not the last line."""
    other = "port 9091 refuses checks: not connected"
    assert reason(ENDED, STALLED, other, "bye") == "the event loop has not run for 10 s"
    assert reason(other, port=None) == "not connected"
    assert reason("port 9091 refuses checks: x", ANSWERS) is None


def test_what_a_worker_says_on_its_way_out_does_not_count() -> None:
    """It drains, listens again for a moment, and ends."""
    assert reason(STALLED, ANSWERS, ENDED) == "the event loop has not run for 10 s"
    assert reason(STALLED, DRAINING) == "the event loop has not run for 10 s"
    assert reason(DRAINING) is None
    assert reason(ANSWERS, ENDED) == "the worker has ended"
    assert reason(STALLED, ENDED) == "the worker has ended"


@pytest.mark.parametrize(("answers", "told"), [("08:00:58", "the event"), ("08:00:10", "the work")])
def test_the_times_tell_a_recovery_from_a_way_out(answers: str, told: str) -> None:
    """A worker that answered for a while ended for another reason than the refusal before."""
    times = ("2026-11-24 08:00:00", f"2026-11-24 {answers},104", "2026-11-24T08:00:59Z")
    lines = [f"{at} INFO {said}" for at, said in zip(times, (STALLED, ANSWERS, ENDED), strict=True)]
    assert str(reason(*lines)).startswith(told)


def test_a_log_in_json_is_read() -> None:
    """All of it stands in one line; what is not JSON after all tells nothing."""
    stack = 'the thread stands at (most recent call last):\n  File "/app/w.py", line 7, in run\n'
    line = json.dumps({"level": 30, "message": f"{STALLED}\n{stack}", "time": "x\x1b[31m"})
    refusal = Log(line).refusal(9090)
    assert refusal
    assert refusal.stack.where == "/app/w.py:7 in run"
    assert reason("{" + STALLED) is None


def test_what_kubectl_says_instead_of_a_log_is_no_log() -> None:
    """An empty one is a log: the container said nothing."""
    assert log_of("Error from server (BadRequest): previous terminated container") is None
    assert log_of("unable to retrieve container logs for containerd://1") is None
    assert log_of(None) is None
    assert log_of("") is not None


def test_an_endless_line_is_bounded() -> None:
    """So is a reason."""
    assert len(str(reason("port 9090 refuses checks: " + "x" * 10_000))) == 203


@pytest.mark.parametrize(
    ("language", "said", "where"),
    [
        ("python", "ValueError: no", "/app/a.py:1 in f"),
        ("group", "KeyError: 1", "/app/b.py:2 in g"),
        (
            "java",
            "Caused by: java.net.ConnectException: Connection refused",
            "Queue.java:30 in com.shop.Queue.open",
        ),
        ("node", "Error: boom", "/app/index.js:3 in Object.<anonymous>"),
        ("go", "panic: runtime error: index out of range [5] with length 3", "/src/main.go:12"),
        ("shell", "sh: can't create /x: Read-only file system", None),
    ],
)
def test_what_a_process_died_of_is_read(language: str, said: str, where: str | None) -> None:
    """In the words of its language, with the innermost frame of one's own code."""
    failure = Log(decoded_log((FAILURES / f"{language}.txt").read_bytes())).failure
    assert failure
    assert failure.reason == said
    assert failure.where == where


def test_a_traceback_that_was_survived_is_not_what_it_died_of() -> None:
    """Much was logged after it, and nothing in the last line says that it is the reason."""
    trace = 'Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\nValueError: no\n'
    assert Log(trace + "going on\n" * 20).failure is None
    assert Log("INFO: all is well\n").failure is None
    assert Log("").failure is None


def test_a_traceback_that_is_cut_off_has_no_last_line() -> None:
    """The log ends in the middle of it."""
    failure = Log('Traceback (most recent call last):\n  File "/app/a.py", line 1, in f').failure
    assert failure
    assert failure.reason == ""


def test_the_thread_that_runs_is_taken_from_a_dump() -> None:
    """One that waits is not what holds the process; where all do it is the main one, the last."""
    thread = "Thread 0x0a [main] (most recent call first):\n"
    waits = f'{thread}  File "/usr/lib/python3.13/threading.py", line 1 in wait\n'
    matches = (
        f'{thread}  File "/usr/lib/python3.13/re/__init__.py", line 166 in match\n'
        '  File "/app/a.py", line 2 in spin\n'
    )
    ours = f'{thread}  File "/usr/lib/site-packages/tcp_probe/_timers.py", line 1 in _run\n'
    main = f'{waits}  File "/app/a.py", line 3 in main\n'
    assert Log(thread).dump is None
    for said, where in (
        (ours + matches, "/app/a.py:2 in spin"),
        (matches + ours + waits, "/app/a.py:2 in spin"),
        (ours + main, "/app/a.py:3 in main"),
    ):
        dump = Log(said).dump
        assert dump
        assert dump.where == where

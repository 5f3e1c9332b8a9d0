from __future__ import annotations

import pytest

from tcp_probe.rehearse.worker_script import WorkerScript, parse


def test_a_script_is_read() -> None:
    """Every word of it, in any order."""
    assert parse("start=12,close=20.5,exit=30:1") == WorkerScript(
        start=12, close=20.5, exit=30, exit_code=1
    )
    assert parse("term=3,hang=10,backlog=4,port=9090") == WorkerScript(
        hang=10, backlog=4, term=3, port=9090
    )
    assert parse("exit=5,term=2:143") == WorkerScript(exit=5, term=2, term_code=143)
    assert parse("post_start=7,pre_stop=20:7") == WorkerScript(post_start=(7, 0), pre_stop=(20, 7))


def test_what_changes_more_than_once_may_come_again() -> None:
    """Listening, and what is answered to each kind of check; without a time from the start on."""
    assert parse("start=1,close=2,start=3,close=4").more == ((3, True), (4, False))
    script = parse("http=503,http=5:200,http=9:close,grpc=NOT_SERVING,grpc=8:SERVING,exec=3:1")
    assert script.http == ((0, "503"), (5, "200"), (9, "close"))
    assert script.grpc == ((0, "NOT_SERVING"), (8, "SERVING"))
    assert script.exec == ((3, "1"),)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (
            "",
            "expected start, close, hang, backlog, exit, term, port, http, grpc, exec, post_start",
        ),
        ("start", "got 'start'"),
        ("stop=3", "got 'stop=3'"),
        ("exit_code=3", "got 'exit_code=3'"),
        ("hang=1,hang=2", "expected hang once, got it twice"),
        ("exit=1,exit=2", "expected exit once, got it twice"),
        ("start=soon", "expected start in seconds of at least 0, got 'soon'"),
        ("start=-1", "expected start in seconds of at least 0, got '-1'"),
        ("close=nan", "expected close in seconds of at least 0, got 'nan'"),
        ("backlog=1.5", "expected backlog from 0 to 65535, got '1.5'"),
        ("exit=3:", "expected exit code from 0 to 255, got ''"),
        ("exit=3:256", "expected exit code from 0 to 255, got '256'"),
        ("term=3:x", "expected exit code from 0 to 255, got 'x'"),
        ("port=0", "expected port from 1 to 65535, got '0'"),
        ("http=ok", "expected http close or stall or a status from 200 to 599, got 'ok'"),
        ("http=soon:404", "expected http in seconds of at least 0, got 'soon'"),
        ("grpc=BAD", "expected grpc SERVING, NOT_SERVING, UNKNOWN, NOT_FOUND, UNIMPLEMENTED"),
        ("exec=5:-1", "expected exit code from 0 to 255, got '-1'"),
        ("pre_stop=x:0", "expected pre_stop in seconds of at least 0, got 'x'"),
    ],
)
def test_a_mistake_in_a_script_is_told(script: str, problem: str) -> None:
    """With what was expected and what was given."""
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        parse(script)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("script", "listens"),
    [
        ("start=12,close=20", [12, 19.9]),
        ("close=5,start=12", [0, 4.9, 12, 100]),
        ("close=5,start=12,close=20,start=30", [0, 12, 19, 30]),
        ("start=20,hang=10", []),
        ("hang=10,close=20", [0, 10, 19]),
        ("close=0", []),
    ],
)
def test_it_listens_at_times(script: str, listens: list[float]) -> None:
    """Who stands still by then does not begin to, but a thread may still close the port."""
    ages = [0, 4.9, 5, 10, 12, 19, 19.9, 20, 30, 100]
    heard = {age for age in ages if parse(script).listens(age)}
    assert heard >= set(listens)
    assert bool(heard) is bool(listens)

from __future__ import annotations

from math import inf

import pytest

from tcp_probe.kubelet.handlers import Exec, HttpGet, TcpSocket
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.worker_script import VirtualContainer, WorkerScript, parse

TCP = TcpSocket(9090)
PASSED = (0, Outcome(success=True))
REFUSED = (
    0,
    Outcome(success=False, message="dial tcp 127.0.0.1:9090: connect: connection refused"),
)
TIMED_OUT = (1, Outcome(success=False, message="dial tcp 127.0.0.1:9090: i/o timeout"))


def worker(script: str, *ports: int) -> VirtualContainer:
    return VirtualContainer(parse(script), 100, ports)


def test_a_script_is_read() -> None:
    """Every word of it, in any order."""
    assert parse("start=12,close=20.5,exit=30:1") == WorkerScript(
        start=12, close=20.5, exit=30, exit_code=1
    )
    assert parse("term=3,hang=10,backlog=4,port=9090") == WorkerScript(
        hang=10, backlog=4, term=3, port=9090
    )
    assert parse("exit=5") == WorkerScript(exit=5, exit_code=0)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("", "expected start, close, hang, backlog, exit, term or port with a value, got ''"),
        ("start", "got 'start'"),
        ("stop=3", "got 'stop=3'"),
        ("exit_code=3", "got 'exit_code=3'"),
        ("start=1,start=2", "expected start once, got it twice"),
        ("start=soon", "expected start in seconds of at least 0, got 'soon'"),
        ("start=-1", "expected start in seconds of at least 0, got '-1'"),
        ("close=nan", "expected close in seconds of at least 0, got 'nan'"),
        ("backlog=1.5", "expected backlog from 0 to 65535, got '1.5'"),
        ("exit=3:", "expected exit code from 0 to 255, got ''"),
        ("exit=3:256", "expected exit code from 0 to 255, got '256'"),
        ("port=0", "expected port from 1 to 65535, got '0'"),
    ],
)
def test_a_mistake_in_a_script_is_told(script: str, problem: str) -> None:
    """With what was expected and what was given."""
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        parse(script)
    assert problem in str(caught.value)


def test_it_listens_from_start_to_close() -> None:
    """Before and after checks are refused."""
    listening = worker("start=12,close=20")
    answers = [listening.check(100 + age, TCP, 1) for age in (0, 11.9, 12, 19.9, 20, 99)]
    assert answers == [REFUSED, REFUSED, PASSED, PASSED, REFUSED, REFUSED]


def test_it_needs_a_moment_to_boot() -> None:
    """A check at its very start is refused."""
    booting = worker("start=0")
    assert booting.check(100, TCP, 1) == REFUSED
    assert booting.check(100.1, TCP, 1) == PASSED


def test_a_hang_leaves_the_queue_to_take_checks() -> None:
    """Backlog + 1 of them, of all probes together; the rest times out."""
    hanging = worker("start=0,hang=10,backlog=4")
    answers = [hanging.check(111 + number, TCP, 1) for number in range(7)]
    assert answers == [PASSED] * 5 + [TIMED_OUT] * 2


def test_a_hang_before_it_listens_lasts() -> None:
    """It never gets to listen then."""
    assert worker("start=20,hang=10").check(130, TCP, 1) == REFUSED


def test_a_hang_may_still_end_in_refusal() -> None:
    """The thread that watches the event loop refuses although the loop stands still."""
    hanging = worker("hang=10,close=20,backlog=0")
    answers = [hanging.check(100 + age, TCP, 1) for age in (11, 12, 20)]
    assert answers == [PASSED, TIMED_OUT, REFUSED]


def test_each_port_has_its_own_queue() -> None:
    """Checks of one do not fill the other."""
    hanging = worker("hang=1,backlog=0")
    assert hanging.check(102, TCP, 1) == PASSED
    assert hanging.check(102, TCP, 1) == TIMED_OUT
    assert hanging.check(102, TcpSocket(8080), 1) == PASSED


def test_it_listens_on_its_own_ports_alone() -> None:
    """Those that the container declares, or the one of the script."""
    assert worker("start=0", 9090).check(101, TCP, 1) == PASSED
    assert worker("start=0", 8080).check(101, TCP, 1) == REFUSED
    assert worker("port=9090", 8080).check(101, TCP, 1) == PASSED


def test_a_page_needs_the_process() -> None:
    """A hang fails it at once, while its connection still takes a place in the queue."""
    page = HttpGet(9090, path="/live")
    get = 'Get "http://127.0.0.1:9090/live": '
    hanging = worker("start=5,hang=10,backlog=0")
    awaiting = "(Client.Timeout exceeded while awaiting headers)"
    assert [hanging.check(100 + age, page, 2) for age in (1, 6, 11, 12)] == [
        (0, Outcome(success=False, message=get + REFUSED[1].message)),
        PASSED,
        (2, Outcome(success=False, message=f"{get}context deadline exceeded {awaiting}")),
        (2, Outcome(success=False, message=f"{get}{TIMED_OUT[1].message} {awaiting}")),
    ]


def test_a_command_says_whether_it_listens() -> None:
    """As a command does that makes a check of its own."""
    command = Exec(("tcp_probe", "check", "9090"))
    hanging = worker("start=5,hang=10")
    late = 'command timed out: "tcp_probe check 9090" timed out after 2s'
    assert [hanging.check(100 + age, command, 2) for age in (1, 6, 11)] == [
        (0, Outcome(success=False)),
        PASSED,
        (2, Outcome(success=False, message=late)),
    ]


def test_it_ends_by_itself_and_on_sigterm_unless_it_hangs() -> None:
    """A process that stands still hears nothing and does nothing."""
    assert worker("exit=30").exits_at == 130
    assert worker("exit=30,hang=10").exits_at == inf
    assert worker("start=0").exits_at == inf
    assert worker("term=3").terminated_at(150) == 153
    assert worker("hang=10").terminated_at(105) == 105
    assert worker("hang=10").terminated_at(110) == inf

from __future__ import annotations

from math import inf

import pytest

from tcp_probe.kubelet.handlers import Exec, Grpc, HttpGet, Sleep, TcpSocket
from tcp_probe.kubelet.steps import Outcome
from tcp_probe.rehearse.virtual_container import VirtualContainer
from tcp_probe.rehearse.worker_script import parse

TCP = TcpSocket(9090)
PAGE = HttpGet(9090, path="/live")
GET = 'Get "http://127.0.0.1:9090/live": '
PASSED = (0, Outcome(success=True))
REFUSED = "dial tcp 127.0.0.1:9090: connect: connection refused"
AWAITING = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
READING = "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
NOT_CONNECTED = (
    'timeout: failed to connect service "127.0.0.1:9000" within 1s: context deadline exceeded'
)


def worker(script: str, *ports: int, shares_processes: bool = False) -> VirtualContainer:
    return VirtualContainer(parse(script), 100, ports, shares_processes=shares_processes)


def failed(message: str, took: float = 0) -> tuple[float, Outcome]:
    return took, Outcome(success=False, message=message)


def test_it_listens_from_start_to_close() -> None:
    """Before and after checks are refused."""
    listening = worker("start=12,close=20")
    answers = [listening.check(100 + age, TCP, 1) for age in (0, 11.9, 12, 19.9, 20, 99)]
    assert answers == [failed(REFUSED)] * 2 + [PASSED] * 2 + [failed(REFUSED)] * 2


def test_it_needs_a_moment_to_boot() -> None:
    """A check at its very start is refused."""
    booting = worker("start=0")
    assert booting.check(100, TCP, 1) == failed(REFUSED)
    assert booting.check(100.1, TCP, 1) == PASSED


def test_a_hang_leaves_the_queue_to_take_checks() -> None:
    """Backlog + 1 of them, of all probes together; the rest times out."""
    hanging = worker("start=0,hang=10,backlog=4")
    answers = [hanging.check(111 + number, TCP, 1) for number in range(7)]
    assert answers == [PASSED] * 5 + [failed("dial tcp 127.0.0.1:9090: i/o timeout", 1)] * 2


def test_each_port_has_its_own_queue() -> None:
    """Checks of one do not fill the other."""
    hanging = worker("hang=1,backlog=0")
    assert hanging.check(102, TCP, 1) == PASSED
    assert hanging.check(102, TCP, 1)[0] == 1
    assert hanging.check(102, TcpSocket(8080), 1) == PASSED


def test_it_listens_on_its_own_ports_alone() -> None:
    """Those that the container declares, or the one of the script."""
    assert worker("start=0", 9090).check(101, TCP, 1) == PASSED
    assert worker("start=0", 8080).check(101, TCP, 1) == failed(REFUSED)
    assert worker("port=9090", 8080).check(101, TCP, 1) == PASSED


def test_a_page_needs_the_process() -> None:
    """A hang fails it at once, while its connection still takes a place in the queue."""
    hanging = worker("start=5,hang=10,backlog=0")
    assert [hanging.check(100 + age, PAGE, 2) for age in (1, 6, 11, 12)] == [
        failed(GET + REFUSED),
        PASSED,
        failed(GET + AWAITING, 2),
        failed(GET + AWAITING, 2),
    ]
    assert hanging.check(113, TCP, 1)[0] == 1


def test_a_page_is_answered_as_the_script_says() -> None:
    """From when on it says so."""
    script = "http=5:404,http=10:302,http=15:close,http=20:stall"
    answers = [worker(script).check(100 + age, PAGE, 2) for age in (1, 6, 11, 16, 21)]
    assert answers == [
        PASSED,
        failed("HTTP probe failed with statuscode: 404"),
        (0, Outcome(success=True, message="Probe terminated redirects, Response body: ")),
        failed(f"{GET}EOF"),
        (2, Outcome(success=None, message=READING, state="failure")),
    ]


def test_a_grpc_check_is_answered_as_the_script_says() -> None:
    """A client that is refused, or hears nothing, tries on for the whole timeout."""
    script = (
        "start=1,grpc=5:NOT_SERVING,grpc=10:NOT_FOUND,grpc=15:UNIMPLEMENTED,grpc=20:silent,hang=25"
    )
    answering = worker(script)
    ages = (0.5, 2, 6, 11, 16, 21, 26)
    assert [answering.check(100 + age, Grpc(9000), 1) for age in ages] == [
        failed(NOT_CONNECTED, 1),
        PASSED,
        failed('service unhealthy (responded with "NOT_SERVING")'),
        failed("error: health rpc probe failed: rpc error: code = NotFound desc = "),
        failed(
            "error: this server does not implement the grpc health protocol "
            "(grpc.health.v1.Health): Method not found!"
        ),
        failed("timeout: health rpc did not complete within 1s", 1),
        failed(NOT_CONNECTED, 1),
    ]


def test_an_unknown_command_passes_while_the_worker_listens() -> None:
    """As a command does that makes a check of its own."""
    command = Exec(("is-alive",))
    hanging = worker("start=5,hang=10")
    late = 'command timed out: "is-alive" timed out after 2s'
    assert [hanging.check(100 + age, command, 2) for age in (1, 6, 11)] == [
        failed(""),
        PASSED,
        failed(late, 2),
    ]


def test_how_a_command_ends_can_be_told() -> None:
    """From when on, whatever it is."""
    told = worker("exec=5:1,exec=10:0")
    command = Exec(("false",))
    answers = [told.check(100 + age, command, 1) for age in (1, 6, 11)]
    assert answers == [failed(""), failed(""), PASSED]


def test_a_simple_command_is_followed() -> None:
    """Its output is told where it fails, and where it takes too long that."""
    listening = worker("close=8")
    shell = Exec(("sh", "-c", "echo broken; echo worse >&2; exit 3"))
    assert listening.check(101, shell, 1) == failed("broken\nworse\n")
    assert listening.check(101, Exec(("true",)), 1) == PASSED
    late = 'command timed out: "sleep 10" timed out after 1s'
    assert listening.check(101, Exec(("sleep", "10")), 1) == failed(late, 1)


def test_a_check_by_command_is_followed() -> None:
    """It sees what a check of kubelet's own would see, and prints it."""
    closing = worker("close=8,start=15,hang=20,backlog=0")
    command = Exec(("python", "-m", "tcp_probe", "check", "9090"))
    assert closing.check(101, command, 1)[1] == Outcome(success=True)
    assert closing.check(109, command, 1)[1] == Outcome(success=False, message=f"{REFUSED}\n")
    closing.check(121, TCP, 1)
    took, outcome = closing.check(121, command, 1)
    assert took == 1
    assert outcome.message.startswith("command timed out: ")


@pytest.mark.parametrize(
    ("script", "takes"), [("echo begun; sleep 10; echo done", 10), ("sleep 1000; true", 122)]
)
def test_a_child_that_holds_the_output_delays_the_result(script: str, takes: float) -> None:
    """Until its end, or until kubelet no longer waits for the container runtime."""
    command = Exec(("sh", "-c", script))
    took, outcome = worker("start=0").check(101, command, 2)
    assert took == takes
    assert outcome.message == f'command timed out: "sh -c {script}" timed out after 2s'


def test_it_ends_by_itself_unless_it_hangs() -> None:
    """A process that stands still does nothing."""
    assert worker("exit=30").exits_at == 130
    assert worker("exit=30,hang=10").exits_at == inf
    assert worker("start=0").exits_at == inf


def test_it_ends_on_sigterm_unless_it_hangs() -> None:
    """A process that stands still hears nothing."""
    assert worker("term=3").terminated(150) == (153, 0)
    assert worker("term=3:7").terminated(150) == (153, 7)
    assert worker("hang=10").terminated(105) == (105, 0)
    assert worker("hang=10").terminated(110)[0] == inf


def test_beside_pid_1_it_ends_at_once_without_a_handler() -> None:
    """The kernel sees to that, also where it stands still; `term` says that there is one."""
    assert worker("hang=10", shares_processes=True).terminated(110) == (110, 143)
    assert worker("start=0", shares_processes=True).terminated(110, "SIGUSR1") == (110, 138)
    assert worker("hang=10,term=3", shares_processes=True).terminated(110)[0] == inf


def test_hooks_take_their_time() -> None:
    """A sleep its seconds, a command what is known or told of it, a connect always fails."""
    hooked = worker("start=5")
    assert hooked.hook(101, Sleep(4), None) == (4, True)
    assert hooked.hook(101, TCP, None) == (0, False)
    assert hooked.hook(101, Exec(("sh", "-c", "sleep 4; exit 7")), None) == (4, False)
    assert hooked.hook(101, Exec(("drain",)), None) == (0, True)
    assert hooked.hook(101, Exec(("drain",)), (9, 1)) == (9, False)
    assert hooked.hook(101, PAGE, None) == (0, False)
    assert worker("http=404").hook(101, PAGE, None) == (0, True)


def test_it_tells_when_it_changes_next() -> None:
    """Never again after the last time."""
    changing = worker("start=5,http=8:404,close=20")
    assert [changing.next_change(100 + age) for age in (0, 1, 5, 8, 20)] == [
        100.05,
        105,
        108,
        120,
        inf,
    ]


def test_nobody_answers_for_a_container_that_has_ended() -> None:
    """And no command can be run in it."""
    ended = worker("start=0")
    ended.ended = True
    assert ended.check(101, TCP, 1) == failed(REFUSED)
    took, outcome = ended.check(101, Exec(("true",)), 1)
    assert (took, outcome.success) == (0, None)
    assert outcome.message.endswith("container is in CONTAINER_EXITED state")

"""When the thread that looks after the timers wakes, and that it does nothing after its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from tcp_probe._acceptor import Acceptor
from tcp_probe._gate import Gate
from tcp_probe._listener import Listener
from tcp_probe._stall import StallWatch
from tcp_probe._timer import Timer
from tcp_probe._timers import Timers

Lines = Callable[[], list[str]]


class Wake:
    """Stands for the lock that the thread sleeps on, and notes for how long it would."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def acquire(self, timeout: float) -> bool:
        self.pauses.append(timeout)
        return False


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Take a port."""
    listener = Listener("127.0.0.1", 0, 1)
    yield listener
    listener.close()


@pytest.fixture
def gate(listener: Listener) -> Gate:
    """Make the gate of a port, which listens."""
    gate = Gate(listener)
    gate.open()
    return gate


@pytest.fixture
def timers(gate: Gate) -> Timers:
    """Make the timers of a port, whose thread has not been started."""
    return Timers(gate)


def test_it_sleeps_for_a_part_of_the_shortest_timeout_at_least(gate: Gate, timers: Timers) -> None:
    """However soon a timer is due, the thread looks at most every 1 % of the shortest timeout."""
    timer = Timer(gate, timers, 100_000, "")
    timer.reset_at = monotonic() + 60 - timer.timeout
    timers.running = {timer}
    wake = timers._wake = Wake()  # type: ignore[assignment]
    assert timers._due() == []
    assert wake.pauses == [1000]


@pytest.mark.parametrize(("timeout", "longest"), [(60, 15), (8, 6)])
def test_it_sleeps_for_a_quarter_of_the_shortest_timeout_at_most(
    timeout: float, longest: float, gate: Gate, timers: Timers
) -> None:
    """So it can tell that the process stood still; but for six seconds, where that is longer."""
    timer, other = Timer(gate, timers, timeout, ""), Timer(gate, timers, 3600, "")
    timer.reset_at = other.reset_at = monotonic()
    timers.running = {timer, other}
    wake = timers._wake = Wake()  # type: ignore[assignment]
    timers._due()
    assert wake.pauses == [longest]


def test_it_sleeps_no_longer_than_the_dump_stays_armed(gate: Gate, timers: Timers) -> None:
    """Whoever keeps the dump of all stacks armed says until when."""
    timer = Timer(gate, timers, 60, "")
    timer.reset_at = monotonic()
    timers.running = {timer}
    timers.keep_armed = lambda: monotonic() + 2
    wake = timers._wake = Wake()  # type: ignore[assignment]
    timers._due()
    assert wake.pauses[0] == pytest.approx(2, abs=1)


def test_a_timer_of_a_process_that_stood_still_starts_again(gate: Gate, timers: Timers) -> None:
    """The thread takes its own lateness for it, and a healthy worker comes meanwhile."""
    timer = Timer(gate, timers, 60, "")
    timer.reset_at = monotonic() - 100
    timers.running = {timer}
    timers._wakes_at = monotonic() - 50
    timers._wake = Wake()  # type: ignore[assignment]
    assert timers._due() == []
    assert timer.due_at() > monotonic() + 30


@pytest.mark.parametrize(
    ("timeout", "late", "forgiven"),
    [(1, 0.4, False), (1, 0.6, True), (60, 5.9, False), (60, 6.1, True)],
)
def test_how_late_a_process_that_stood_still_is(
    timeout: float, late: float, gate: Gate, timers: Timers, *, forgiven: bool
) -> None:
    """It is later than a tenth of the timeout, and than half a second."""
    timer = Timer(gate, timers, timeout, "")
    timer.reset_at = 1000
    timer.forgive(late, 2000)
    assert timer.reset_at == (2000 if forgiven else 1000)


def test_it_sleeps_for_ever_while_nothing_runs(timers: Timers) -> None:
    """Without a timer there is nothing to wake for."""
    wake = timers._wake = Wake()  # type: ignore[assignment]
    assert timers._due() == []
    assert wake.pauses == [-1]
    assert timers._wakes_at == float("inf")


def test_a_timer_that_is_due_later_wakes_nobody(gate: Gate, timers: Timers) -> None:
    """A reset costs no turn of the thread, where it wakes before the timer is due anyway."""
    timer = Timer(gate, timers, 3600, "")
    timer.reset_at = monotonic()
    timers._wakes_at = timer.due_at() - 1
    timers.look_at(timer)
    assert timers._wake.locked()
    timers._wakes_at = timer.due_at() + 1
    timers.look_at(timer)
    assert not timers._wake.locked()


def test_after_its_end_no_timer_runs(gate: Gate, timers: Timers) -> None:
    """What is started when the worker has ended starts no thread and is not looked after."""
    timers.close()
    Timer(gate, timers, 1e-9, "").start(str)
    assert not timers.running
    assert timers._thread is None
    assert gate.listening


def test_after_its_end_the_thread_looks_no_more(
    gate: Gate, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that comes to run after the end of the worker ends at once."""
    monkeypatch.setattr(timers, "_due", pytest.fail)
    timers.close()
    timers._run()
    assert gate.listening


def test_a_stall_that_is_just_being_answered_is_not_due(gate: Gate, timers: Timers) -> None:
    """While the reason stands no ping is due: whoever answers takes it back, and then it is."""
    stall = StallWatch(gate, timers, 3600, lambda _: None)
    stall.reset_at = monotonic()
    gate.hold(stall, "the event loop has not run")
    stall._answered = True
    assert stall.due_at() == float("inf")
    gate.withdraw(stall)
    assert stall.due_at() == stall.reset_at + 0.6 * 3600


def test_a_stall_watch_looks_no_more_where_the_loop_has_been_closed(
    gate: Gate, timers: Timers, lines: Lines
) -> None:
    """A loop that takes no ping has ended: the port refuses, and nothing pings it again."""

    def closed(_: object) -> None:
        raise RuntimeError("Event loop is closed")

    stall = StallWatch(gate, timers, 3600, closed)
    timers.running.add(stall)
    stall._answered = True
    stall.due()
    assert gate.reasons == ("the event loop has ended",)
    assert stall.ran_out
    assert not timers.running
    assert timers.keep_armed() == float("inf")
    assert lines()[-1].startswith("INFO")


def test_a_stall_watch_forgives_a_process_that_stood_still(
    gate: Gate, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts again; the dump of all stacks is armed for its own timeout, unless it ran out."""
    armed: list[float] = []
    monkeypatch.setattr(gate.last_words, "arm", armed.append)
    stall = StallWatch(gate, timers, 10, lambda _: None)
    timers.keep_armed = stall._arm
    stall.reset_at = 100
    stall.forgive(50, 160)
    assert stall.reset_at == 160
    timers.keep_armed()
    assert armed == [10]
    gate.hold(stall, "the event loop has not run")
    timers.keep_armed()
    assert armed == [10]


def test_errors_of_accept_are_told_once_an_episode(
    gate: Gate, listener: Listener, timers: Timers, lines: Lines
) -> None:
    """Errors that go on are one line; after a minute without any the next is told again."""
    acceptor = Acceptor(gate, listener, timers)

    def told() -> int:
        acceptor._tell(OSError(24, "Too many open files"))
        return len([line for line in lines() if "cannot accept checks" in line])

    assert [told(), told()] == [1, 1]
    acceptor._last_error_at -= 61
    assert [told(), told()] == [2, 2]


def test_a_reason_is_taken_back_with_the_lock_held(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a thread which works out the words of a reason does not bring it back."""
    real, seen = gate.lock, []

    class Seen:
        def acquire(self) -> bool:
            seen.append(gate.reasons)
            return real.acquire()

        def release(self) -> None:
            real.release()

    gate.refuse("x", "a reason")
    monkeypatch.setattr(gate, "lock", Seen())
    gate.withdraw("x")
    assert seen[0] == ("a reason",)
    assert gate.listening

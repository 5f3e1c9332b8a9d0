"""Whoever accepts sees that the thread that watches is late: first it suspects, then it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import pytest

from tcp_probe._gate import Gate
from tcp_probe._listener import Listener
from tcp_probe._timer import Timer
from tcp_probe._timers import Timers

LATE = "the thread that watches does not run"


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Make the gate of a port, which listens."""
    listener = Listener("127.0.0.1", 0, 1)
    gate = Gate(listener)
    gate.open()
    yield gate
    listener.close()


@pytest.fixture
def timers(gate: Gate) -> Timers:
    """Make the timers of a port, whose thread runs only when a test has it look."""
    timers = Timers(gate)
    timer = Timer(gate, timers, 60, "")
    timer.reset_at = monotonic()
    timers.running = {timer}
    timers._wake.release()  # so that the thread never sleeps
    timers._due()
    return timers


def test_no_thread_is_late_before_there_is_one(gate: Gate) -> None:
    """Where nothing is watched no check has anything to see."""
    assert Timers(gate).overdue_at > monotonic()


def test_a_thread_that_sleeps_as_long_as_it_meant_to_is_not_late(timers: Timers) -> None:
    """It is a while after the end of its sleep."""
    assert timers.overdue_at > timers._wakes_at


def test_a_late_thread_is_woken_and_given_time(gate: Gate, timers: Timers) -> None:
    """A process that stood still may come to a check before its thread runs."""
    timers.overdue()
    assert not timers._wake.locked()
    assert gate.listening
    assert timers.overdue_at > monotonic()


def test_a_thread_that_does_not_come_back_is_refused_for(gate: Gate, timers: Timers) -> None:
    """After that time checks are refused, and nothing more is to be seen at a check."""
    timers.overdue()
    timers.overdue()
    assert gate.reasons == (LATE,)
    assert timers.overdue_at == float("inf")


def test_a_thread_that_comes_back_is_believed_again(gate: Gate, timers: Timers) -> None:
    """The port listens, and the next time it is late it is given time again."""
    timers.overdue()
    timers.overdue()
    timers._due()
    assert gate.listening
    timers.overdue()
    assert gate.listening

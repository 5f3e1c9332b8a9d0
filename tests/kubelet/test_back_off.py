from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcp_probe.kubelet.back_off import BackOff


def test_the_delay_doubles_up_to_five_minutes() -> None:
    """A container that ends again and again waits 10, 20, 40, 80, 160, then 300 s each time."""
    back_off = BackOff()
    now = 0.0
    delays = []
    for _ in range(8):
        now += back_off.delay
        assert back_off.allows_restart(now, exited_at=now - back_off.delay)
        delays.append(str(back_off))
    assert delays == ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s", "5m0s"]


def test_within_the_delay_there_is_no_restart() -> None:
    """Until the delay has passed since the exit, a restart is refused and changes nothing."""
    back_off = BackOff()
    assert back_off.allows_restart(100, exited_at=100)
    assert not back_off.allows_restart(111.9, exited_at=102)
    assert back_off.delay == 10
    assert back_off.allows_restart(112, exited_at=102)


def test_ten_minutes_of_running_make_it_forget() -> None:
    """A container that ran for more than 10 minutes starts at 10 s again, at once."""
    back_off = BackOff()
    for now in (0, 10, 30):
        assert back_off.allows_restart(now, exited_at=now - back_off.delay)
    assert back_off.delay == 40
    assert not back_off.allows_restart(630, exited_at=630)
    assert back_off.allows_restart(631, exited_at=631)
    assert back_off.delay == 10


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0, 400)), max_size=30))
def test_the_delay_stays_within_its_limits(lives: list[tuple[float, float]]) -> None:
    """However long each instance runs and however late kubelet looks, it is 10 to 300 s."""
    back_off = BackOff()
    now = 0.0
    for running, waiting in lives:
        exited_at = now + running
        now = exited_at + waiting
        if back_off.allows_restart(now, exited_at):
            assert 10 <= back_off.delay <= 300

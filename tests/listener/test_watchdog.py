from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Awaitable, Callable
from time import monotonic
from types import FrameType

import anyio
import anyio.to_thread
import pytest

import tcp_probe

Checked = Callable[..., str]
Until = Callable[..., Awaitable[None]]

LONG = 3600.0


async def test_refuses_once_it_has_run_out(checked: Checked, until: Until) -> None:
    """A watchdog that is not reset for its timeout makes the port refuse, with the reason."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(LONG):
            assert checked(probe.port) == "passed"
        began = monotonic()
        with probe.watchdog(0.1):
            # The reason stands a moment before the port refuses.
            await until(lambda: not probe.listening and checked(probe.port) == "refused")
            assert monotonic() - began >= 0.1
            assert probe.reasons == ("a watchdog ran out: no reset for 0.1 s",)


async def test_reset_recovers(checked: Checked, until: Until) -> None:
    """A reset lets a port that refuses because of it answer again, at once and each time."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(0.05) as watchdog:
            for _ in range(3):
                await until(lambda: not probe.listening)
                with probe._port.gate.lock:  # so that it does not run out again meanwhile
                    watchdog.reset()
                    assert probe.listening
                    assert checked(probe.port) == "passed"


async def test_leaving_recovers(until: Until) -> None:
    """Leaving the block lets the port answer again."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(0.01):
            await until(lambda: not probe.listening)
        assert probe.listening


async def test_reset_in_time_keeps_the_port_listening() -> None:
    """A watchdog that is reset more often than its timeout never runs out."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(5) as watchdog:
            for _ in range(100):
                watchdog.reset()
                await anyio.sleep(0.001)
        assert probe.refusals == 0


async def test_a_body_that_raises_leaves_it(until: Until) -> None:
    """A step that fails takes its watchdog's reason with it, and the exception passes."""
    async with tcp_probe.serve(0) as probe:
        with pytest.raises(ValueError, match="step"), probe.watchdog(0.01):
            await until(lambda: not probe.listening)
            raise ValueError("step")
        assert probe.listening


async def test_each_has_its_own_timer(until: Until) -> None:
    """Of many watchdogs one that runs out is enough, and only its own reset recovers."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(LONG) as slow, probe.watchdog(0.05) as fast:
            await until(lambda: not probe.listening)
            slow.reset()
            assert not probe.listening
            with probe._port.gate.lock:  # so that it does not run out again meanwhile
                fast.reset()
                assert probe.listening


async def test_two_that_ran_out_are_two_reasons(until: Until) -> None:
    """The port listens again when the last of them has recovered."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(0.01), probe.watchdog(0.02) as second:
            await until(lambda: len(probe.reasons) == 2)
            second.reset()
            assert not probe.listening
        assert probe.listening


async def test_a_shorter_one_is_seen_while_a_longer_one_is_waited_for(until: Until) -> None:
    """A watchdog set later with an earlier end runs out at its own time."""
    async with tcp_probe.serve(0, stall_timeout=LONG) as probe:
        with probe.watchdog(LONG):
            await anyio.sleep(0.05)
            with probe.watchdog(0.05):
                await until(lambda: not probe.listening)


async def test_works_where_the_loop_is_not_watched(until: Until) -> None:
    """`stall_timeout=None` turns off the watch over the loop alone."""
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        with probe.watchdog(0.01) as watchdog:
            await until(lambda: not probe.listening)
            watchdog.reset()
            await until(lambda: not probe.listening)


async def test_many_at_once(until: Until) -> None:
    """A thousand watchdogs that run out make the port refuse until the last one is left."""
    async with tcp_probe.serve(0) as probe:
        watchdogs = [probe.watchdog(0.05) for _ in range(1000)]
        for watchdog in watchdogs:
            watchdog.__enter__()
        await until(lambda: len(probe.reasons) == 1000)
        for watchdog in watchdogs:
            assert not probe.listening
            watchdog.__exit__(None, None, None)
        assert probe.listening


async def test_can_be_entered_again(until: Until) -> None:
    """A watchdog that was left can be used for the next step."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(0.01)
        for _ in range(2):
            with watchdog:
                await until(lambda: not probe.listening)
            assert probe.listening


async def test_entered_twice_at_once() -> None:
    """One watchdog is one timer: entering it inside itself is an error that says what to do."""
    async with tcp_probe.serve(0) as probe:
        with (
            probe.watchdog(LONG) as watchdog,
            pytest.raises(RuntimeError, match=r"^this watchdog is .* again for another timer$"),
        ):
            watchdog.__enter__()
        assert probe.listening


async def test_does_not_run_outside_its_block() -> None:
    """Before it is entered and after it was left a watchdog does not run, reset or not."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(0.01)
        watchdog.reset()
        with probe._port.gate.lock, watchdog:  # nobody looks meanwhile
            pass
        watchdog.reset()
        await anyio.sleep(0.05)
        assert probe.refusals == 0


async def test_reset_from_another_thread(until: Until) -> None:
    """`reset` works from any thread."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(0.05) as watchdog:
            await until(lambda: not probe.listening)

            def reset() -> bool:
                with probe._port.gate.lock:  # so that it does not run out again meanwhile
                    watchdog.reset()
                    return probe.listening

            assert await anyio.to_thread.run_sync(reset)


async def test_resets_that_race_with_the_end_of_the_timer() -> None:
    """A reset just as the timer runs out is never lost: the port listens after it."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(0.002) as watchdog:

            def race() -> None:
                pause = threading.Event()
                for turn in range(300):
                    pause.wait(0.0018 + turn % 7 * 0.0001)
                    watchdog.reset()

            await anyio.to_thread.run_sync(race)
        assert probe.listening


async def test_reset_takes_no_lock() -> None:
    """A reset reads the clock and calls nothing else, since it is called for every message."""
    calls: list[object] = []

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call":
            calls.append(called)
        elif event == "call":
            calls.append(frame.f_code.co_name)

    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(LONG) as watchdog:
            before = sys.getprofile()
            sys.setprofile(note)
            try:
                watchdog.reset()
            finally:
                sys.setprofile(before)
    assert calls == ["reset", monotonic, sys.setprofile]


async def test_no_thread_stays() -> None:
    """The thread behind the watchdogs ends with the block."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(LONG):
            mine = [each for each in threading.enumerate() if each.name == "tcp_probe"]
            assert mine
    for each in mine:
        await anyio.to_thread.run_sync(each.join, 20)
        assert not each.is_alive()


async def test_no_thread_starts_without_need() -> None:
    """Where nothing has to be watched there is no thread, so that the process can fork in peace."""
    before = set(threading.enumerate())
    async with tcp_probe.serve(0, stall_timeout=None):
        assert set(threading.enumerate()) <= before


async def test_start_and_stop_are_the_block_in_two_parts(until: Until) -> None:
    """From `start` to `stop` it runs, and `stop` takes its reason back; then it may start again."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(0.01)
        for _ in range(2):
            watchdog.start()
            await until(lambda: not probe.listening)
            watchdog.stop()
            assert probe.listening
        watchdog.stop()


async def test_started_it_runs_though_nobody_keeps_it(until: Until) -> None:
    """What `start` began goes on without a variable that holds it."""
    async with tcp_probe.serve(0) as probe:
        probe.watchdog(0.05).start()
        gc.collect()
        await until(lambda: not probe.listening)


async def test_a_block_that_nobody_leaves() -> None:
    """A watchdog whose `with` is gone without its end, as a handler that raises does it, stops."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(LONG)
        watchdog.__enter__()
        timer = watchdog._timer
        assert timer.running
        del watchdog
        gc.collect()
        assert not timer.running


async def test_started_twice_at_once() -> None:
    """One watchdog is one timer: to start it while it runs is an error, and it goes on."""
    async with tcp_probe.serve(0) as probe:
        watchdog = probe.watchdog(LONG)
        watchdog.start()
        with pytest.raises(RuntimeError, match=r"call watchdog\(\) again"):
            watchdog.start()
        assert watchdog._timer.running
        watchdog.stop()


async def test_one_that_is_never_started_is_told() -> None:
    """A watchdog that is made and dropped is a RuntimeWarning, as an un-awaited coroutine is."""
    async with tcp_probe.serve(0) as probe:
        with pytest.warns(RuntimeWarning, match="a watchdog was never started"):
            probe.watchdog(5)


async def test_a_process_that_stood_still_gives_a_timer_its_time_once() -> None:
    """After a freeze longer than its timeout a watchdog starts again; a second one finds it due."""
    async with tcp_probe.serve(0) as probe:
        with probe.watchdog(10) as watchdog:
            timer = watchdog._timer
            timer.reset_at -= 60
            timer.forgive(0.9, timer.reset_at + 60)
            assert timer.due_at() < monotonic()
            timer.forgive(50, monotonic())
            assert timer.due_at() > monotonic()
            timer.reset_at = timer._forgiven_at = timer.reset_at - 60
            timer.forgive(50, monotonic())
            assert timer.due_at() < monotonic()
            watchdog.reset()


async def test_a_thread_that_is_late_forgives() -> None:
    """The watching thread takes its own lateness for the process having stood still."""
    async with tcp_probe.serve(0, stall_timeout=None) as probe:
        with probe.watchdog(3) as watchdog:
            timers = probe._port.timers
            with probe._port.gate.lock:  # the thread cannot look meanwhile
                watchdog._timer.reset_at -= 6
                timers._wakes_at = monotonic() - 6
                wake, timers._wake = timers._wake, threading.Lock()  # nor does this one sleep
                assert timers._due() == []
                timers._wake = wake
            assert probe.refusals == 0

from __future__ import annotations

import threading
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import hypothesis.strategies as st
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import tcp_probe

SOON = 0.005
LONG = 3600.0


class ListensIffNoReason(RuleBasedStateMachine):
    """A port with a condition, driven at random, beside a set of the reasons that stand."""

    backend: ClassVar[Any]
    watchdogs = Bundle("watchdogs")

    @initialize()
    def enter(self) -> None:
        self.reasons: set[object] = set()
        self.answer = True
        self.asked = threading.Semaphore(0)
        self.portal_manager = start_blocking_portal(*self.backend)
        self.portal = self.portal_manager.__enter__()
        self.serving = self.portal.wrap_async_context_manager(
            tcp_probe.serve(0, condition=self.condition, interval=0.02, stall_timeout=None)
        )
        self.probe = self.serving.__enter__()
        self.await_answer()

    async def condition(self) -> bool:
        answer = self.answer
        await anyio.lowlevel.checkpoint()
        self.asked.release()
        if answer is None:
            raise ValueError("down")
        return answer

    def await_answer(self) -> None:
        while self.asked.acquire(blocking=False):
            pass
        # The answer that is awaited when this begins may have been given before the change.
        for _ in range(2):
            assert self.asked.acquire(timeout=20)

    @rule()
    def fail(self) -> None:
        self.probe.fail("the worker's verdict")
        self.reasons.add("fail")

    @rule()
    def recover(self) -> None:
        self.probe.recover()
        self.reasons.discard("fail")

    @rule(answer=st.sampled_from([True, False, None]))
    def answer_otherwise(self, answer: Any) -> None:
        self.answer = answer
        self.await_answer()
        if answer:
            self.reasons.discard("condition")
        else:
            self.reasons.add("condition")

    @rule(target=watchdogs, timeout=st.sampled_from([SOON, LONG]))
    def set_watchdog(self, timeout: float) -> Any:
        watchdog = self.probe.watchdog(timeout)
        watchdog.__enter__()
        if timeout == SOON:
            self.reasons.add(watchdog)
        return watchdog

    @rule(watchdog=watchdogs)
    def reset_watchdog(self, watchdog: Any) -> None:
        watchdog.reset()  # if it was a short one, it runs out again

    @rule(watchdog=consumes(watchdogs))
    def leave_watchdog(self, watchdog: Any) -> None:
        watchdog.__exit__(None, None, None)
        self.reasons.discard(watchdog)

    @invariant()
    def listens_iff_no_reason(self) -> None:
        # Some reasons come with time, and a busy machine may answer a question late; but soon the
        # port is as the model says, and then it stays so.
        pause = threading.Event()
        for _ in range(4000):
            if self.is_as_the_model_says():
                return
            pause.wait(0.005)
        pytest.fail(f"reasons {self.reasons} stand, but the probe says {self.probe.reasons}")

    def is_as_the_model_says(self) -> bool:
        told = self.probe.reasons
        listening = self.probe.listening
        try:
            tcp_probe.check(self.probe.port, timeout=20)
        except ConnectionError:  # refused; or reset, where the port began to refuse meanwhile
            passed = False
        else:
            passed = True
        return len(told) == len(self.reasons) and listening == passed == (not self.reasons)

    def teardown(self) -> None:
        if hasattr(self, "serving"):
            self.serving.__exit__(None, None, None)
            self.portal_manager.__exit__(None, None, None)
            assert not self.probe.listening
            with pytest.raises(ConnectionRefusedError):
                tcp_probe.check(self.probe.port)


@pytest.fixture
def machine(anyio_backend: Any) -> type[ListensIffNoReason]:
    """Make the state machine for one event loop."""
    return type("Machine", (ListensIffNoReason,), {"backend": anyio_backend})


def test_listens_iff_there_is_no_reason(machine: type[ListensIffNoReason]) -> None:
    """Whatever the worker does in whatever order, the port listens iff no reason stands."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

import tcp_probe

Checked = Callable[..., str]
Lines = Callable[[], list[str]]


def wait_until(holds: Callable[[], object]) -> None:
    pause = threading.Event()
    for _ in range(4000):
        if holds():
            return
        pause.wait(0.005)
    pytest.fail("waited 20 s for what should happen soon")


@pytest.fixture
def portal(anyio_backend: Any) -> Any:
    """Run an event loop in a thread, for a worker that has none."""
    backend, options = anyio_backend
    return lambda: start_blocking_portal(backend, options)


def test_a_worker_without_an_event_loop(portal: Any, checked: Checked) -> None:
    """Through a blocking portal the same port listens while a plain worker runs, and no longer."""
    with portal() as loop, loop.wrap_async_context_manager(tcp_probe.serve(0)) as probe:
        assert checked(probe.port) == "passed"
    assert checked(probe.port) == "refused"


def test_its_exception_passes_bare(portal: Any) -> None:
    """What the plain worker raises arrives as the same object."""
    error = ValueError("worker")
    with (
        pytest.raises(ValueError, match="worker") as raised,
        portal() as loop,
        loop.wrap_async_context_manager(tcp_probe.serve(0)),
    ):
        raise error
    assert raised.value is error


def test_only_a_watchdog_sees_it_stuck(portal: Any, checked: Checked, lines: Lines) -> None:
    """A watchdog of the worker's thread makes the port refuse, and shows that thread's stack."""

    def a_synchronous_call() -> None:
        wait_until(lambda: any("watchdog" in line for line in lines()))

    with (
        portal() as loop,
        loop.wrap_async_context_manager(tcp_probe.serve(0)) as probe,
        probe.watchdog(0.05) as watchdog,
    ):
        a_synchronous_call()
        assert checked(probe.port) == "refused"
        watchdog.reset()
        assert checked(probe.port) == "passed"
    assert "the thread stands at" in lines()[1]
    assert "in a_synchronous_call" in lines()[1]


def test_its_own_verdict(portal: Any, checked: Checked) -> None:
    """`fail` and `recover` work from the worker's thread, and checks are closed again after it."""
    with portal() as loop, loop.wrap_async_context_manager(tcp_probe.serve(0)) as probe:
        for _ in range(3):
            probe.fail("draining")
            assert checked(probe.port) == "refused"
            probe.recover()
            before = probe.checks
            assert checked(probe.port) == "passed"
            wait_until(lambda least=before: probe.checks > least)  # type: ignore[misc]

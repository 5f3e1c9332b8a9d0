from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, signals
from celery.concurrency.solo import TaskPool as SoloPool
from celery.contrib.testing.worker import TestWorkController, start_worker
from celery.worker import state as celery_state
from kombu.asynchronous.timer import Timer

import tcp_probe.celery

Checked = Callable[..., str]
Lines = Callable[[], list[str]]
Soon = Callable[[Callable[[], object]], None]

state: Any = celery_state

RAN_OUT = "a watchdog ran out: no reset for"

# With this broker an idle loop takes 2 s for a turn.
TIMEOUT = 2.5


class Worker(TestWorkController):
    """Celery's own for tests, except that one which does not start is not waited for for ever."""

    _on_started: threading.Event

    def ensure_started(self) -> None:
        assert self._on_started.wait(60), "the worker did not start: its log says why"


@pytest.fixture
def app() -> Iterator[Celery]:
    """Make an app whose broker is this process' memory."""
    app = Celery(f"app{id(object())}", broker="memory://", set_as_current=False)
    app.conf.worker_enable_remote_control = False
    app.conf.worker_hijack_root_logger = False
    app.conf.task_default_queue = app.main

    @app.task(name="nothing", shared=False)
    def nothing() -> None:
        """Do nothing."""

    yield app
    app.close()


@pytest.fixture
def run(app: Celery) -> Any:
    """Run a worker of the app in a thread."""

    @contextmanager
    def run(pool: str) -> Iterator[None]:
        options: Any = {"pool": pool, "perform_ping_check": False, "shutdown_timeout": 60}
        options["WorkController"] = Worker
        try:
            with start_worker(app, **options):
                try:
                    yield
                finally:
                    state.should_terminate = 0
                    for _ in range(2):  # the loop ends in its next turn but one
                        app.send_task("nothing")
        finally:
            state.should_terminate = None  # also where that has failed: the next test has it too

    return run


@pytest.fixture
def consumer() -> Callable[..., Any]:
    """Make what a step of a consumer sees of one with a solo pool."""

    def consumer(probe: tcp_probe.Probe, timer: object) -> Any:
        controller = SimpleNamespace(tcp_probe=probe)
        return SimpleNamespace(controller=controller, timer=timer, call_soon=None, pool=SoloPool())

    return consumer


@pytest.fixture
def soon() -> Soon:
    """Wait until something holds."""

    def soon(holds: Callable[[], object]) -> None:
        pause = threading.Event()
        for _ in range(2000):
            if holds():
                return
            pause.wait(0.01)
        pytest.fail("waited 20 s for what should happen soon")

    return soon


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_the_port_listens_while_the_worker_runs(
    app: Celery, run: Any, free_port: int, checked: Checked, pool: str
) -> None:
    """From the start of the worker until its stop the port passes checks."""
    tcp_probe.celery.listen(app, free_port)
    assert checked(free_port) == "refused"
    with run(pool):
        assert checked(free_port) == "passed"
    assert checked(free_port) == "refused"


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_loop_that_stands_still_is_refused(  # noqa: PLR0913, PLR0917 (each is a fixture)
    app: Celery,
    run: Any,
    free_port: int,
    checked: Checked,
    soon: Soon,
    lines: Lines,
    pool: str,
) -> None:
    """A loop that does not come round for the timeout is refused, told where, and heals."""
    tcp_probe.celery.listen(app, free_port, timeout=TIMEOUT)
    go_on = threading.Event()
    received = count()

    def a_slow_receiver(**_: object) -> None:
        if next(received) == 1:  # a solo pool has then run the first task, in the loop
            go_on.wait(20)

    signals.task_received.connect(a_slow_receiver)
    try:
        with run(pool):
            app.send_task("nothing")
            app.send_task("nothing")
            soon(lambda: checked(free_port) == "refused")
            soon(lambda: any("go_on.wait(20)" in line for line in lines()))
            go_on.set()
            soon(lambda: checked(free_port) == "passed")
    finally:
        signals.task_received.disconnect(a_slow_receiver)


def test_a_long_task_of_a_solo_pool_passes(  # noqa: PLR0913, PLR0917 (each is a fixture)
    app: Celery, run: Any, free_port: int, checked: Checked, soon: Soon, lines: Lines
) -> None:
    """A task that takes longer than the timeout, and has no limit, is no reason to refuse."""
    tcp_probe.celery.listen(app, free_port, timeout=TIMEOUT)
    began, go_on = threading.Event(), threading.Event()

    @app.task(name="outer", shared=False)
    def outer() -> None:
        app.tasks["nothing"].apply()
        began.set()
        go_on.wait(20)

    with run("solo"):
        app.send_task("nothing")
        app.send_task("outer")
        assert began.wait(20)
        before = lines()
        assert not go_on.wait(TIMEOUT + 0.5)
        assert checked(free_port) == "passed"
        assert lines() == before
        go_on.set()


@pytest.mark.parametrize(
    "limits",
    [({"time_limit": 0.3}, {}), ({}, {"time_limit": 0.3})],
    ids=["of the task", "of the call"],
)
def test_a_task_of_a_solo_pool_beyond_its_limit_is_refused(  # noqa: PLR0913, PLR0917 (each is a fixture)
    app: Celery,
    run: Any,
    free_port: int,
    checked: Checked,
    soon: Soon,
    lines: Lines,
    limits: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """What the pool itself does not end: a task that takes its time_limit and the timeout more."""
    tcp_probe.celery.listen(app, free_port, timeout=TIMEOUT)
    go_on = threading.Event()

    @app.task(name="stuck", shared=False, **limits[0])
    def stuck() -> None:
        go_on.wait(20)

    with run("solo"):
        app.send_task("stuck", **limits[1])
        soon(lambda: checked(free_port) == "refused")
        soon(
            lambda: any(f"{RAN_OUT} 2.8 s" in line and "go_on.wait(20)" in line for line in lines())
        )
        go_on.set()
        soon(lambda: checked(free_port) == "passed")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"timeout": 0}, ValueError),
        ({"timeout": "60"}, TypeError),
        ({"time_out": 60}, TypeError),
        ({"condition": None}, TypeError),
    ],
)
def test_an_argument_that_cannot_be_meant(
    app: Celery, arguments: dict[str, Any], error: type[Exception]
) -> None:
    """A wrong or misspelt argument shows where the line stands, not when a worker starts."""
    with pytest.raises(error, match=rf"\b{next(iter(arguments))}\b"):
        tcp_probe.celery.listen(app, 9090, **arguments)
    with pytest.raises(ValueError, match=r"^port: expected 0 to 65535, got 65536$"):
        tcp_probe.celery.listen(app, 65536)


def test_a_step_that_was_not_started_can_be_stopped(app: Celery) -> None:
    """Celery stops all steps where the connection is lost before each was started."""
    tcp_probe.celery.listen(app, 9090)
    (turns,) = app.steps["consumer"]
    turns(None).stop(None)


def test_the_loop_is_asked_well_within_the_timeout(
    app: Celery, consumer: Callable[..., Any]
) -> None:
    """One that comes round in time is seen to, several times in each timeout."""
    tcp_probe.celery.listen(app, 9090, timeout=60)
    asked: list[float] = []

    class Asked:
        def call_repeatedly(self, seconds: float, *_: object) -> None:
            asked.append(seconds)

    with tcp_probe.serve(0) as probe:
        (turns,) = app.steps["consumer"]
        turns(None).start(consumer(probe, Asked()))
    assert 1 <= asked[0] <= 60 / 4


def test_a_task_that_is_called_while_there_is_no_connection_is_not_watched(
    app: Celery, consumer: Callable[..., Any]
) -> None:
    """A step that was stopped looks at no task: an outage of the broker restarts no worker."""
    tcp_probe.celery.listen(app, 9090)
    running: list[object] = []

    with tcp_probe.serve(0) as probe:

        @app.task(shared=False, time_limit=60)
        def limited() -> None:
            running.append(set(probe._port.timers.running))

        (turns,) = app.steps["consumer"]
        step, parent = turns(None), consumer(probe, Timer())
        step.start(parent)
        limited.apply()
        step.stop(parent)
        limited.apply()
        assert not probe._port.timers.running
    watched, not_watched = running
    assert watched
    assert not not_watched


def test_the_port_is_what_the_arguments_say(app: Celery) -> None:
    """What `listen` is given for `start` holds, and 0 stands for a port of the kernel's choice."""
    tcp_probe.celery.listen(app, 0, host="127.0.0.1", backlog=7)
    (step,) = app.steps["worker"]
    probe = step.open()
    assert probe._port.listener._address == ("127.0.0.1", probe.port)
    assert probe._port.listener._backlog == 7
    probe.close()


def test_its_steps_have_names_of_their_own(app: Celery) -> None:
    """Celery has one step of each name: one of the app's that is called `Port` is another."""
    tcp_probe.celery.listen(app, 9090)
    names = {each.name for steps in app.steps.values() for each in steps}
    assert names == {"tcp_probe.celery.Port", "tcp_probe.celery.Turns"}

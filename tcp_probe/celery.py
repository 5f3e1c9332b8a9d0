"""A port that tells of a Celery worker's main process (needs Celery 5.3 or later)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

from celery import Celery, Task, bootsteps, signals
from celery.concurrency.solo import TaskPool as SoloPool

from . import Probe, start
from ._arguments import seconds, whole_number

__all__ = ("listen",)


def listen(app: Celery, port: int, *, timeout: float = 60.0, **serve_arguments: Any) -> None:
    """Let each worker of `app` listen on `port` exactly while its main process is alive.

    One line beside the app is right for the pools prefork, threads and solo. Nothing happens where
    the app is only imported, as a client does; with prefork it is the main process that listens,
    since Celery replaces a child that died. A child that hangs is the business of Celery's own
    `time_limit`.

    The port refuses while the main process' loop, which fetches the tasks, has not come round for
    `timeout` seconds, and from the beginning of a shutdown on. While there is no connection to the
    broker, no loop is expected to come round: an outage of the broker restarts no worker.

    `timeout`
        In seconds. The default of 60 is above what a client's own retries take while it is
        connected. A broker that accepts connections and then says nothing blocks the loop too,
        without an end unless the transport has a timeout: give it one below this.

        A solo pool runs its tasks in that loop. There a task may take its `time_limit` and
        `timeout` more, and for ever where it has no `time_limit`.
    `serve_arguments`
        Those of `tcp_probe.start`: `host`, `backlog`, `wait` and so on.

    Raises `TypeError` or `ValueError` for an argument that cannot be meant. A port that is in use
    ends the worker when it starts, as any other error of its start does.

        app = Celery("app", broker="redis://localhost")
        tcp_probe.celery.listen(app, 9090)
    """
    port = whole_number("port", port, 0, 65535)
    signature(start).bind(port, **serve_arguments)  # so that a misspelt name shows here already
    open_port = staticmethod(partial(start, port, **serve_arguments))
    timeout = seconds("timeout", timeout)
    # Celery reads the name where a class is made, and takes no inherited one: without it the step
    # of another that is called `Port` as well would take the place of ours.
    port_step = {"name": "tcp_probe.celery.Port", "open": open_port}
    turns_step = {"name": "tcp_probe.celery.Turns", "timeout": timeout}
    app.steps["worker"].add(type("Port", (_Port,), port_step))
    app.steps["consumer"].add(type("Turns", (_Turns,), turns_step))


listen.__module__ = "tcp_probe.celery"


class _Port(bootsteps.StartStopStep):
    """The port, from the fork of the pool's processes until the worker begins to stop."""

    requires = ("celery.worker.components:Pool",)
    open: Callable[[], Probe]

    def start(self, worker: Any) -> None:
        worker.tcp_probe = self.open()

    def stop(self, worker: Any) -> None:
        worker.tcp_probe.close()

    def terminate(self, worker: Any) -> None:
        self.stop(worker)


class _Turns(bootsteps.StartStopStep):
    """A watchdog on the turns of the loop, while there is a connection to the broker.

    Celery stops the steps of the consumer when it loses the connection, and starts them again.
    """

    requires = ("celery.worker.consumer.connection:Connection",)
    timeout: float

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None
        self._task_id: str | None = None

    def start(self, consumer: Any) -> None:
        self._probe: Probe = consumer.controller.tcp_probe
        self._watchdog = self._probe.watchdog(self.timeout)
        self._watchdog.start()
        # The timer may be a thread of its own, so it only asks the loop to reset the watchdog.
        self._timer = consumer.timer.call_repeatedly(
            self.timeout / 10, consumer.call_soon, (self._reset,)
        )
        if isinstance(consumer.pool, SoloPool):
            signals.task_prerun.connect(self._task_begins)
            signals.task_postrun.connect(self._task_ends)

    def stop(self, consumer: Any) -> None:  # noqa: ARG002 (Celery passes it)
        # Celery stops also what it has not started, where a step before it failed to start.
        if self._timer is not None:
            self._timer.cancel()
            signals.task_prerun.disconnect(self._task_begins)
            signals.task_postrun.disconnect(self._task_ends)
            self._watchdog.stop()

    def _reset(self) -> None:
        self._watchdog.reset()

    def _watch(self, timeout: float | None) -> None:
        self._watchdog.stop()
        if timeout is not None:
            self._watchdog = self._probe.watchdog(timeout)
            self._watchdog.start()

    def _task_begins(self, task_id: str, task: Task[..., Any], **_: Any) -> None:
        if self._task_id is None:  # else a task calls another one, which is part of it
            self._task_id = task_id
            limit = (task.request.timelimit or (None,))[0] or task.time_limit
            self._watch(limit and limit + self.timeout)

    def _task_ends(self, task_id: str, **_: Any) -> None:
        if task_id == self._task_id:
            self._task_id = None
            self._watch(self.timeout)

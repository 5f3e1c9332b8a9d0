from __future__ import annotations

from typing import final

from ._arguments import seconds, wrong_type
from ._not_by_hand import NotByHand
from ._port import Port
from ._timer import Timer
from ._watchdog import Watchdog, watchdog


@final
class Probe(metaclass=NotByHand):
    """The port that `serve` or `start` listens on, for the worker to ask and to tell.

    All of it may be used from any thread.
    """

    _comes_from = "it is yielded by tcp_probe.serve() or returned by tcp_probe.start()"
    _port: Port

    def __repr__(self) -> str:
        state = "; ".join(self.reasons) or "listening"
        return f"<tcp_probe.Probe port={self.port} checks={self.checks}: {state}>"

    @property
    def port(self) -> int:
        """The bound port: the one that the kernel picked where `serve` was given 0."""
        return self._port.listener.port

    @property
    def listening(self) -> bool:
        """Whether the port listens now: nothing stands against it."""
        return self._port.gate.listening

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the port refuses checks, oldest reason first; empty while it listens."""
        return self._port.gate.reasons

    @property
    def checks(self) -> int:
        """How many checks have been answered: connections accepted and closed."""
        return self._port.acceptor.checks

    @property
    def refusals(self) -> int:
        """How many times the port began to refuse."""
        return self._port.gate.refusals

    def watchdog(self, timeout: float) -> Watchdog:
        """Make the port refuse while a step of the worker takes longer than `timeout` seconds.

        Returns a context manager that yields the `Watchdog`. Its timer runs inside the `with`
        block and is started again by `Watchdog.reset`; a reset, or leaving the block, lets the port
        listen again. There can be many at once, in any thread, each with its own timer. When one
        runs out, the log shows where the task (outside an event loop: the thread) that entered it
        stands. It may be seen to run out up to 1 % late.

        Choose a timeout above the worker's own timeout for the step plus the time that its cleanup
        takes, so that the port refuses only when the worker itself is stuck.

        Raises `TypeError` or `ValueError` where `timeout` is no number above 0 and up to 1e9, and
        `RuntimeError` where one is entered twice at once.

            with probe.watchdog(timeout=180) as watchdog:
                async for message in client.receive_response():
                    watchdog.reset()
        """
        timeout = seconds("timeout", timeout)
        reason = f"a watchdog ran out: no reset for {timeout:g} s"
        return watchdog(Timer(self._port.gate, self._port.timers, timeout, reason))

    def fail(self, reason: str) -> None:
        """Refuse checks, by the worker's own verdict, until `recover` takes it back.

        `reason` is for the log and for `reasons`; a second call replaces it. Raises `TypeError`
        where it is no text, and `ValueError` where it is empty.

            ready.fail("draining")
        """
        if not isinstance(reason, str):
            raise wrong_type("reason", "a text", reason)
        if not reason:
            raise ValueError("reason: expected a text that says why, got an empty one")
        self._port.gate.refuse("fail", reason)

    def recover(self) -> None:
        """Take back what `fail` said; without a `fail` before it, do nothing.

        ready.recover()
        """
        self._port.gate.withdraw("fail")

    def close(self) -> None:
        """End what `start` began: from now on the port refuses.

        From any task, thread or hook; a second time it does nothing. A port of `serve` is ended by
        its block, and may be by this before.

            probe.close()
        """
        self._port.end_with(None)


Probe.__module__ = "tcp_probe"


def probe_of(port: Port) -> Probe:
    """Make the `Probe` of a port; its users get it from `serve` and `start`."""
    made = Probe.__new__(Probe)
    made._port = port
    return made

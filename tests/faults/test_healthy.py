from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Start = Callable[..., Any]
Soon = Callable[[Callable[[], object]], None]

CLIENTS = 3  # as many as a pod has probes


def test_three_clients_at_once_on_a_busy_worker(start: Start) -> None:
    """A worker that is busy 50 ms of every 100 ms passes every check of three clients at once."""
    worker = start("busy")
    barrier = threading.Barrier(CLIENTS)

    def client() -> list[str]:
        outcomes = []
        for _ in range(5):
            barrier.wait(20)
            outcomes.append(worker.check())
            time.sleep(1.43)  # so that the rounds fall on different parts of the worker's cycle
        return outcomes

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(client) for _ in range(CLIENTS)]
    assert Counter(outcome for each in running for outcome in each.result()) == {"passed": 15}


def test_checks_leave_no_line_in_the_log(start: Start, soon: Soon) -> None:
    """However many checks are answered, the log has the one line of the start."""
    worker = start("healthy", backlog=100)
    assert [worker.check() for _ in range(100)] == ["passed"] * 100
    soon(lambda: worker.answered() == 100)
    assert worker.log == f"INFO port {worker.port} answers checks\n"

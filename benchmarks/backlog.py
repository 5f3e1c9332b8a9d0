"""Share of the checks that a healthy worker fails, for each backlog.

    python -m benchmarks.backlog [--rounds N]

The worker is busy 50 ms of every 100 ms. Six clients check each of its ports once in a second, as
kubelet does (a connect with a timeout of 1 s, closed at once): all at the same moment, which is the
worst that a period of 1 s can bring, or each at a moment of its own. The moments are drawn anew for
every round. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import random
import selectors
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from time import monotonic, perf_counter, sleep

from benchmarks.backlog_worker import CYCLE
from benchmarks.machine import Others, describe
from benchmarks.markdown import provenance

BACKLOGS = range(9)
CLIENTS = 6
PERIOD = 1.0  # s
TIMEOUT = 1.0  # s; Kubernetes' default
LOOPS = ("asyncio", "uvloop", "trio")


@dataclass(frozen=True)
class Check:
    """A connect that is under way."""

    port: int
    began: float


def main() -> None:
    """Measure every backlog on every event loop."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60, help="of six checks each (default: 60)")
    rounds = parser.parse_args().rounds
    others = Others()
    began = monotonic()
    print(f"Share of {rounds * CLIENTS} checks that failed, of six clients:\n")
    print("| loop | clients check |", *(f"backlog {backlog} |" for backlog in BACKLOGS))
    print("|---|---|" + "---:|" * len(BACKLOGS))
    for loop in LOOPS:
        with worker(loop) as ports:
            for moments, draw in (("at once", at_once), ("each on its own", each_on_its_own)):
                failed = failures(draw(ports) for _ in range(rounds))
                shares = (f"{failed[port] / rounds / CLIENTS:.1%} |" for port in ports)
                print(f"| {loop} | {moments} |", *shares, flush=True)
    facts = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "machine": describe(("anyio", "trio", "uvloop")),
        "cores_others_kept_busy": round(others.cores(), 2),
        "took_seconds": round(monotonic() - began),
    }
    print(f"\n{provenance(facts)}", end="")


@contextmanager
def worker(loop: str) -> Iterator[list[int]]:
    """Run the busy worker; yield its ports, one for each backlog."""
    command = [sys.executable, "-m", "benchmarks.backlog_worker", loop, str(len(BACKLOGS))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield [int(port) for port in process.stdout.readline().split()]
        finally:
            process.kill()


def at_once(ports: list[int]) -> list[tuple[float, int]]:
    """Draw one moment (s) for all checks, anywhere in the worker's cycle."""
    moment = random.uniform(0, CYCLE)  # noqa: S311 (nothing secret)
    return [(moment, port) for port in ports for _ in range(CLIENTS)]


def each_on_its_own(ports: list[int]) -> list[tuple[float, int]]:
    """Draw a moment (s) for each check."""
    moments = [random.uniform(0, PERIOD) for _ in range(CLIENTS)]  # noqa: S311 (nothing secret)
    return sorted((moment, port) for moment in moments for port in ports)


def failures(rounds: Iterable[list[tuple[float, int]]]) -> Counter[int]:
    """Make the checks of each round, each at its moment, and count the failed ones by port."""
    failed: Counter[int] = Counter()
    with selectors.DefaultSelector() as under_way:
        for moments in rounds:
            begin = perf_counter()
            for moment, port in moments:
                while (wait := begin + moment - perf_counter()) > 0:
                    failed += ended(under_way, wait)
                start(under_way, port)
            # A round that begins while checks of the last one are under way would add to them.
            while under_way.get_map():
                failed += ended(under_way, TIMEOUT / 100)
            sleep(max(0.0, begin + PERIOD - perf_counter()))
    return failed


def start(under_way: selectors.BaseSelector, port: int) -> None:
    """Begin to connect."""
    client = socket.socket()
    client.settimeout(0)
    client.connect_ex(("127.0.0.1", port))
    under_way.register(client, selectors.EVENT_WRITE, Check(port, perf_counter()))


def ended(under_way: selectors.BaseSelector, wait: float) -> Counter[int]:
    """Close what has connected or failed, for up to `wait` seconds; count the failures."""
    passed = {key.fd for key, _ in under_way.select(wait)}
    failed: Counter[int] = Counter()
    for key in list(under_way.get_map().values()):
        client, check = key.fileobj, key.data
        late = perf_counter() - check.began >= TIMEOUT
        if key.fd in passed or late:
            assert isinstance(client, socket.socket)
            under_way.unregister(client)
            refused = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
            failed[check.port] += late or refused
            client.close()
    return failed


if __name__ == "__main__":
    main()

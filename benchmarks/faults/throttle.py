"""Lets a process run for 5 ms of every 100 ms: `python -m benchmarks.faults.throttle PID`."""

from __future__ import annotations

import os
import signal
import sys
import time

RUN = 0.005  # s
CYCLE = 0.1  # s


def main() -> None:
    """Throttle the process until it is gone."""
    pid = int(sys.argv[1])
    try:
        while True:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(CYCLE - RUN)
            os.kill(pid, signal.SIGCONT)
            time.sleep(RUN)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    main()

"""ProcessPoolExecutor: python process_pool.py JOB..., with a watchdog on the results."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import tcp_probe
from jobs import handle

if __name__ == "__main__":
    forkserver = multiprocessing.get_context("forkserver")  # no fork beside the probe's thread
    with (
        tcp_probe.serve(9090) as probe,
        ProcessPoolExecutor(2, mp_context=forkserver) as pool,
        probe.watchdog(timeout=600) as watchdog,
    ):
        for _ in pool.map(handle, sys.argv[1:]):
            watchdog.reset()

"""A plain loop: a watchdog round each turn, and one round each job."""

import signal
import sys
import time

import redis

import tcp_probe
from jobs import handle

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # PID 1 would ignore it
queue = redis.Redis.from_url("redis://localhost:6379", socket_timeout=30, decode_responses=True)

with tcp_probe.serve(9090) as probe:
    while True:
        try:
            with probe.watchdog(timeout=60):  # idle is a turn with no job in it
                found = queue.blpop(["jobs"], timeout=20)
        except redis.RedisError:  # an outage: no restart would mend it
            time.sleep(1)
            continue
        if found:
            with probe.watchdog(timeout=600):
                handle(str(found[1]))

"""A module whose import computes for 1 s."""

import time

ends = time.monotonic() + 1
while time.monotonic() < ends:
    pass

from __future__ import annotations

# The figures behind these stand in the docstring of `serve`. They are here, apart from it, for the
# tools beside the listener, which need no event loop.
BACKLOG = 2
STALL_TIMEOUT = 10.0
INTERVAL = 10.0
TERMINATION_LOG = "/dev/termination-log"

# A stall is seen by a ping that stays unanswered for stall_timeout. The next ping goes out this
# part of it after the last one: every ping wakes an idle loop, which is most of what an idle
# listener costs; more often, and a stall would be seen little sooner.
PING_PAUSE = 0.6

# The dump of all stacks is armed again when it was armed this many times stall_timeout ago, which
# the fourth ping finds. To do so costs more than half as much as a ping.
ARM_AGAIN = 2.3

# How late a timer may be seen to be due, as a part of the shortest timeout. This bounds how often
# the thread wakes, however many timers there are, as every time it looks at them all.
LATENESS = 0.01

# So a stall is seen after 1 to this many times stall_timeout.
STALL_SEEN_WITHIN = 1 + PING_PAUSE + 2 * LATENESS

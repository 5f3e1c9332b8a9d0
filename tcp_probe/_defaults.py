from __future__ import annotations

# The figures behind these stand in the docstring of `serve`. They are here, apart from it, for the
# tools beside the listener, which need no event loop.
BACKLOG = 5
STALL_TIMEOUT = 10.0
INTERVAL = 10.0

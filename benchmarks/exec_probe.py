"""The usual exec probe in Python: the process of the PID file is there, and the key is set."""

from __future__ import annotations

import os
import sys

try:
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 (pathlib takes 4 ms more)
        os.kill(int(file.read()), 0)
except (OSError, ValueError) as error:
    sys.exit(f"not alive: {error}")
if not os.environ.get("ANTHROPIC_API_KEY"):
    sys.exit("ANTHROPIC_API_KEY is not set")

"""The usual exec probe in Python: the process of a PID file is there, and the key is set.

python benchmarks/exec_probe.py PID_FILE
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Exit with 0 if the worker looks alive."""
    try:
        with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 (pathlib takes 4 ms more)
            os.kill(int(file.read()), 0)
    except (OSError, ValueError) as error:
        print(f"not alive: {error}")
        return 1
    if not os.environ.get("ANTHROPIC_API_KEY"):
        print("ANTHROPIC_API_KEY is not set")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

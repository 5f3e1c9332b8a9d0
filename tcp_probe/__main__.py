from __future__ import annotations

import sys

_USAGE = """\
usage: python -m tcp_probe check [HOST:]PORT [--timeout S]
       python -m tcp_probe explain MANIFEST [--help]
       python -m tcp_probe rehearse MANIFEST [--help] [-- COMMAND ...]

check     make one check as kubelet's tcpSocket probe does: exit 0 passed, 1 failed, 2 bad arguments
explain   tell what the probes of a Kubernetes manifest will do, in seconds, and what is wrong
rehearse  run a worker here and probe it as kubelet would, restarts and back-off included
"""


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    command, *rest = arguments or [""]
    if command == "check":
        # Without argparse, which takes longer to import than all the rest of a check takes.
        from ._check_command import check

        return check(rest)
    if command == "explain":
        from .explain.command import explain

        return explain(rest)
    if command == "rehearse":
        from .rehearse.command import rehearse

        return rehearse(rest)
    if command in {"-h", "--help"}:
        print(_USAGE, end="")
        return 0
    print(f"tcp_probe: expected a command, got {command!r}\n{_USAGE}", end="", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

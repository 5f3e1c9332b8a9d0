from __future__ import annotations

import errno
import sys

from ._tell import discard, tell

# `typing` is dear for a check.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_USAGE = """\
usage: tcp-probe COMMAND ...
  or:  python -m tcp_probe COMMAND ...

  check [HOST:]PORT  make one check as kubelet's tcpSocket
                     probe does
  explain MANIFEST   tell what the probes of a manifest will
                     do, in seconds, and what is wrong
  rehearse MANIFEST  run a worker here and probe it as
                     kubelet would, restarts included
  why POD            tell why a worker was restarted, or
                     does not start or become ready

  tcp-probe COMMAND --help  tells the rest: options, exit
                            status, an example for each
  tcp-probe --version       print the version"""
_BAD_INPUT = 2
_UNWRITTEN = 74  # EX_IOERR of sysexits.h


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status. Without arguments: those of the process."""
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has read enough; nothing is wrong.
        discard(sys.stdout)
        return 0
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT}:
            raise
        discard(sys.stdout)
        tell(f"tcp_probe: cannot write the output: {error.strerror}")
        return _UNWRITTEN
    return status


def _run(arguments: list[str]) -> int:
    command, *rest = arguments or [""]
    if tool := _tool(command):
        return tool(rest)
    if command in {"-h", "--help"}:
        print(_USAGE)
        return 0
    if command == "--version":
        from . import __version__

        print(f"tcp-probe {__version__}")
        return 0
    given = repr(command) if command else "none"
    tell(f"tcp_probe: expected a command, got {given}\n{_USAGE}")
    return _BAD_INPUT


def _tool(command: str) -> Callable[[list[str]], int] | None:
    if command == "check":
        # Without argparse, which takes longer to import than all the rest of a check takes.
        from ._check_command import check

        return check
    if command == "explain":
        from .explain.command import explain

        return explain
    if command == "rehearse":
        from .rehearse.command import rehearse

        return rehearse
    if command == "why":
        from .why.command import why

        return why
    return None


if __name__ == "__main__":
    sys.exit(main())

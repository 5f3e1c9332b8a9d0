from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from math import inf
from typing import TYPE_CHECKING, TypeVar

from tcp_probe._defaults import BACKLOG, STALL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Parsed = TypeVar("Parsed")
BAD_INPUT = 2
INTERRUPTED = 130
TOOLS = {"yaml": "PyYAML", "rich": "rich"}


def explain(argv: Sequence[str]) -> int:
    """Run `python -m tcp_probe explain`; return its exit status.

    0: nothing of level error was found, 1: something was, 2: bad input.
    """
    return _run(_explain, argv)


def rehearse(argv: Sequence[str]) -> int:
    """Run `python -m tcp_probe rehearse`; return its exit status.

    0: never killed by a probe and never backed off, 1: it was, 2: bad input.
    """
    return _run(_rehearse, argv)


def _run(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    for module, name in TOOLS.items():
        if find_spec(module) is None:
            return _bad_input(f"{name} is missing: pip install 'anyio-tcp-probe[rehearse]'")
    from .container_process import CommandError
    from .documents import ManifestError

    try:
        return command(argv)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else BAD_INPUT
    except (CommandError, ManifestError) as error:
        return _bad_input(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED


def _bad_input(problem: str) -> int:
    print(f"tcp_probe: {problem}", file=sys.stderr)
    return BAD_INPUT


def _explain(argv: Sequence[str]) -> int:
    from .findings import CLEAN_END

    parser = _parser("explain", "Tell what the probes of a manifest will do, in seconds.")
    parser.add_argument(
        "--backlog",
        type=_number(int, 0),
        default=BACKLOG,
        metavar="N",
        help="what tcp_probe.serve gets as backlog (default: %(default)s)",
    )
    parser.add_argument(
        "--stall-timeout",
        type=_number(float, 0),
        default=STALL_TIMEOUT,
        metavar="S",
        help="what it gets as stall_timeout, in seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--clean-end",
        type=_number(float, 0),
        default=CLEAN_END,
        metavar="S",
        help="the seconds that the worker needs to end cleanly (default: %(default)g)",
    )
    given = parser.parse_args(argv)
    from .explain import explain as explained

    explanation = explained(
        given.manifest, given.container, given.backlog, given.stall_timeout, given.clean_end
    )
    if given.json:
        import json

        print(json.dumps(explanation.as_dict(), indent=2))
    else:
        from rich.console import Console

        from .explain_text import paragraphs

        console = Console(highlight=False, soft_wrap=True)
        for paragraph in paragraphs(explanation):
            console.print(paragraph)
    return explanation.exit_status


def _rehearse(argv: Sequence[str]) -> int:
    from .kubelet import DEFAULT_SEED
    from .worker import parse

    parser = _parser(
        "rehearse",
        "Run a worker here and treat it as kubelet would, restarts and back-off included.",
        usage="%(prog)s MANIFEST [options] [-- COMMAND ...]",
        epilog="Without a COMMAND the container's own command and args are run.",
    )
    parser.add_argument(
        "--for",
        type=_number(float, 0),
        dest="seconds",
        metavar="SECONDS",
        help="end after so long (default: at ^C; an hour with --virtual)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        metavar="N",
        help="decides what is random in kubelet (default: %(default)s)",
    )
    parser.add_argument("--virtual", action="store_true", help="simulate the worker and the clock")
    parser.add_argument(
        "--worker",
        type=_argument(parse),
        metavar="SPEC",
        help="what the simulated worker does, as in start=12,close=20,exit=30:1 or "
        "hang=10,backlog=4,term=3,port=9090",
    )
    own = argv.index("--") if "--" in argv else len(argv)
    given = parser.parse_args(argv[:own])
    command = argv[own + 1 :]
    if given.virtual and (command or given.worker is None):
        parser.error("--virtual needs --worker SPEC, and takes no command")
    if given.worker and not given.virtual:
        parser.error("--worker is for --virtual")
    from .manifest import load
    from .rehearse import rehearse_here, rehearse_virtually
    from .report import Report, TextReport

    workload = load(given.manifest, given.container)
    report = Report if given.json else TextReport
    if given.virtual:
        return rehearse_virtually(workload, given.worker, report, given.seconds, given.seed)
    return rehearse_here(workload, command, report, given.seconds, given.seed)


def _parser(
    command: str, description: str, usage: str | None = None, epilog: str | None = None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m tcp_probe {command}",
        description=description,
        usage=usage,
        epilog=epilog,
        allow_abbrev=False,
    )
    parser.add_argument(
        "manifest", metavar="MANIFEST", help="a YAML or JSON file; - is the standard input"
    )
    parser.add_argument("--container", metavar="NAME", help="default: the first one with a probe")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _number(kind: Callable[[str], float], least: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not least <= value < inf:
            raise ValueError(f"expected a number of at least {least}, got {text!r}")
        return value

    return _argument(number)


def _argument(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Let argparse show the message of a ValueError."""

    def argument(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return argument

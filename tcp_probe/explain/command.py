from __future__ import annotations

from typing import TYPE_CHECKING

from tcp_probe import _command_line as command_line
from tcp_probe._defaults import BACKLOG, STALL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence


def explain(argv: Sequence[str]) -> int:
    """Run `python -m tcp_probe explain`; return its exit status.

    0: nothing of level error was found, 1: something was, 2: bad input.
    """
    return command_line.run(_explain, argv)


def _explain(argv: Sequence[str]) -> int:
    from .rules import CLEAN_END

    parser = command_line.parser(
        "explain", "Tell what the probes of a manifest will do, in seconds."
    )
    parser.add_argument(
        "--backlog",
        type=command_line.number_of(int, 0),
        default=BACKLOG,
        metavar="N",
        help="what tcp_probe.serve gets as backlog (default: %(default)s)",
    )
    parser.add_argument(
        "--stall-timeout",
        type=command_line.number_of(float, 0),
        default=STALL_TIMEOUT,
        metavar="S",
        help="what it gets as stall_timeout, in seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--clean-end",
        type=command_line.number_of(float, 0),
        default=CLEAN_END,
        metavar="S",
        help="the seconds that the worker needs to end cleanly (default: %(default)g)",
    )
    given = parser.parse_args(argv)
    from .explanation import explain as explained

    explanation = explained(
        given.manifest, given.container, given.backlog, given.stall_timeout, given.clean_end
    )
    if given.json:
        import json

        print(json.dumps(explanation.as_dict(), indent=2))
    else:
        from rich.console import Console

        from .text import paragraphs

        console = Console(highlight=False, soft_wrap=True)
        for paragraph in paragraphs(explanation):
            console.print(paragraph)
    return explanation.exit_status

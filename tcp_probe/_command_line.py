from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from math import inf
from typing import TYPE_CHECKING, TypeVar

from ._bad_input import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from _typeshed import SupportsWrite

Parsed = TypeVar("Parsed")
BAD_INPUT = 2
INTERRUPTED = 130
TOOLS = {"yaml": "PyYAML", "rich": "rich"}


def run(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Run a command of the tools; return its exit status, whatever it was given.

    2: bad input, told in one line on the standard error; 130: ^C.
    """
    for module, name in TOOLS.items():
        if find_spec(module) is None:
            return _tell(f"{name} is missing: pip install 'anyio-tcp-probe[tools]'")
    try:
        return command(argv)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else BAD_INPUT
    except BadInput as problem:
        return _tell(str(problem))
    except KeyboardInterrupt:
        return INTERRUPTED


def _tell(problem: str) -> int:
    print(f"tcp_probe: {problem}", file=sys.stderr)
    return BAD_INPUT


class Parser(argparse.ArgumentParser):
    """argparse's own, except for help that cannot be written and for an argument too many."""

    def error(self, message: str) -> NoReturn:
        given = message.removeprefix("unrecognized arguments: ")
        if given != message and not given.startswith("-"):
            message = f"expected one argument beside the options, got also {given}"
        super().error(message)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        # argparse's own hides that it could not be written.
        print(self.format_help(), end="", file=file)


def parser(
    command: str,
    description: str,
    usage: str | None = None,
    epilog: str | None = None,
    container: str = "default: the first one with a probe",
) -> argparse.ArgumentParser:
    """Make a parser of what every tool takes: a manifest, one of its containers, and --json."""
    made = Parser(
        prog=f"tcp-probe {command}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=description,
        usage=usage,
        epilog=epilog,
        allow_abbrev=False,
    )
    made.add_argument(
        "manifest", metavar="MANIFEST", help="a YAML or JSON file; - is the standard input"
    )
    made.add_argument("--container", metavar="NAME", help=container)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def number_of(kind: Callable[[str], float], least: float) -> Callable[[str], float]:
    """Make what reads a number of that kind, from `least` on, for argparse."""

    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = -inf
        if not least <= value < inf:
            raise ValueError(f"expected a number of at least {least}, got {text!r}")
        return value

    return argument(number)


def add_number(  # noqa: PLR0913 (each is a part of an option)
    parser: argparse.ArgumentParser,
    option: str,
    metavar: str,
    help: str,  # noqa: A002 (as argparse calls it)
    *,
    kind: Callable[[str], float] = float,
    least: float = 0,
) -> None:
    """Let the parser take an option with a number from `least` on; None where it is not given."""
    parser.add_argument(option, type=number_of(kind, least), metavar=metavar, help=help)


def argument(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Let argparse show the message of a ValueError."""

    def parsed(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed

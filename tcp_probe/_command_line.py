from __future__ import annotations

import argparse
from difflib import get_close_matches
from importlib.util import find_spec
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from ._bad_input import BadInput
from ._tell import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from _typeshed import SupportsWrite

Parsed = TypeVar("Parsed")
BAD_INPUT = 2
INTERRUPTED = 130
# To compare longer ones with the options would take long, and find nothing.
_LONGEST_NAME = 40
TOOLS = {"yaml": "PyYAML", "rich": "rich"}


def run(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Run a command of the tools; return its exit status, whatever it was given.

    2: bad input, told in one line on the standard error; 130: ^C.
    """
    for module, name in TOOLS.items():
        if find_spec(module) is None:
            return _bad_input(f"{name} is missing: pip install 'anyio-tcp-probe[tools]'")
    try:
        return command(argv)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else BAD_INPUT
    except BadInput as problem:
        return _bad_input(str(problem))
    except KeyboardInterrupt:
        return INTERRUPTED


def _bad_input(problem: str) -> int:
    tell(f"tcp_probe: {problem}")
    return BAD_INPUT


class Parser(argparse.ArgumentParser):
    """argparse's own, except for what is unknown or empty, and for output that cannot be written.

    `behind` says where an argument too many may belong.
    """

    behind = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # An option without a type of its own takes any text, and means nothing by an empty one.
        self.register("type", None, argument(_given))

    def error(self, message: str) -> NoReturn:
        given = message.removeprefix("unrecognized arguments: ")
        if given != message:
            message = self._unknown(given)
        # argparse's own prints the usage on the standard output where the error's is closed.
        tell(f"{self.format_usage()}{self.prog}: error: {message}")
        self.exit(BAD_INPUT)

    def _unknown(self, given: str) -> str:
        if not given.startswith("-"):
            return f"expected one argument beside the options, got also {given}{self.behind}"
        name = given.split(maxsplit=1)[0].partition("=")[0]
        close = get_close_matches(name[:_LONGEST_NAME], self._option_string_actions, 1)
        return f"no such option: {name}; {f'is it {close[0]}?' if close else 'see --help'}"

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        # argparse's own hides that it could not be written.
        print(self.format_help(), end="", file=file)


def parser(
    command: str,
    description: str,
    usage: str | None = None,
    epilog: str | None = None,
    container: str = "default: the first one with a probe",
) -> Parser:
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
    expected = f"expected a {'whole ' * (kind is int)}number of at least {least}"

    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = -inf
        if not least <= value < inf:
            raise ValueError(f"{expected}, got {text!r}")
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


def _given(text: str) -> str:
    if not text:
        raise ValueError("expected a value, got an empty one; is a variable unset?")
    return text


def argument(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Let argparse show the message of a ValueError."""

    def parsed(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed

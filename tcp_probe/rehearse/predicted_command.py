"""What a command would do that only sleeps, prints, exits or checks a port."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # Checks a port of a host: the seconds it takes, and why it fails or "".
    CheckPort = Callable[[str, int], tuple[float, str]]

SHELLS = ("sh", "bash", "dash", "ash", "busybox")
SEPARATORS = (";", "&&", "||", "\n")
# What a script may hold beside plain words; anything else is more than can be followed here.
REDIRECTS = (">&", ">")
BEYOND = frozenset("$`*?~{}[]#")
# So long Python takes to start, for a check by `python -m tcp_probe`.
STARTUP = 0.05


@dataclass(frozen=True)
class Predicted:
    """How a command ends: after so many seconds, with this code and this output.

    `naps` are the times between which the command itself only waits for a child of its own: if it
    is killed meanwhile, the child goes on and holds the output open to its own end.
    """

    seconds: float
    code: int
    output: str = ""
    naps: tuple[tuple[float, float], ...] = ()

    def ends_if_killed(self, at: float) -> float:
        """Return when the output is closed, if the command alone is killed at that time."""
        return next((end for start, end in self.naps if start <= at < end), at)


def predict(command: Sequence[str], check_port: CheckPort) -> Predicted | None:
    r"""Follow a command without running it; None where that is more than can be followed.

    >>> predict(("sh", "-c", "echo no; exit 3"), check_port)
    Predicted(seconds=0.0, code=3, output='no\n', naps=())
    """
    name = PurePosixPath(command[0]).name if command else ""
    if name in SHELLS and tuple(command[1:-1]) == ("-c",):
        parts = _parts(command[-1])
        return _Shell(check_port).run(parts) if parts else None
    simple = _simple(command, check_port)
    return simple and Predicted(*simple)


class _Shell:
    def __init__(self, check_port: CheckPort) -> None:
        self._check_port = check_port

    def run(self, parts: list[tuple[str, list[str], bool]]) -> Predicted | None:
        now, code = 0.0, 0
        printed: dict[bool, str] = {False: "", True: ""}
        naps = []
        for index, (separator, words, to_stderr) in enumerate(parts):
            if (separator == "&&" and code) or (separator == "||" and not code):
                continue
            if words[0] == "exit":
                given = _number(words[1:], code)
                if given is None:
                    return None
                code = given
                break
            # The last command takes the place of the shell, and so does one after `exec`.
            replaces = words[0] == "exec" or index == len(parts) - 1
            simple = _simple(words[1:] if words[0] == "exec" else words, self._check_port)
            if simple is None:
                return None
            seconds, code, output = simple
            printed[to_stderr] += output
            if seconds and not replaces:
                naps.append((now, now + seconds))
            now += seconds
            if words[0] == "exec":
                break
        # The standard output comes first, then all of the standard error.
        return Predicted(now, code, printed[False] + printed[True], tuple(naps))


def _parts(script: str) -> list[tuple[str, list[str], bool]] | None:
    """Split a script: what stands before each command, its words, and whether it prints to stderr.

    None where it is more than plain commands one after the other.
    """
    if BEYOND & set(script):
        return None
    lexer = shlex.shlex(script.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return None
    parts: list[tuple[str, list[str], bool]] = [("", [], False)]
    tokens = iter(words)
    for word in tokens:
        before, command, to_stderr = parts[-1]
        if word in SEPARATORS:
            parts.append((word, [], False))
        elif word in REDIRECTS:
            target = next(tokens, "")
            if (word, target) not in {(">&", "2"), (">", "/dev/null")}:
                return None
            to_stderr = to_stderr or word == ">&"
            if word == ">":
                command = ["true"] if command[:1] == ["echo"] else command
            parts[-1] = (before, command, to_stderr)
        elif set(word) <= set("();<>|&"):
            return None
        else:
            command.append(word)
    parts = [part for part in parts if part[1]]
    return parts or None


def _simple(words: Sequence[str], check_port: CheckPort) -> tuple[float, int, str] | None:
    """Follow one command: its seconds, its code, its output."""
    if not words:
        return None
    name, *arguments = PurePosixPath(words[0]).name, *words[1:]
    if name in {"true", ":", "false"}:
        return 0.0, int(name == "false"), ""
    if name == "sleep" and len(arguments) == 1:
        return _sleep(arguments[0])
    if name == "echo":
        plain = arguments[1:] if arguments[:1] == ["-n"] else arguments
        return 0.0, 0, " ".join(plain) + ("" if arguments[:1] == ["-n"] else "\n")
    if name.startswith("python") and arguments[:2] == ["-m", "tcp_probe"]:
        name, arguments = "tcp-probe", arguments[2:]
    if name == "tcp-probe" and arguments[:1] == ["check"]:
        return _check(arguments[1:], check_port)
    return None


def _sleep(text: str) -> tuple[float, int, str] | None:
    units = {"s": 1, "m": 60, "h": 3600}
    number = text[:-1] if text[-1:] in units else text
    try:
        return float(number) * units.get(text[-1:], 1), 0, ""
    except ValueError:
        return None


def _check(arguments: Sequence[str], check_port: CheckPort) -> tuple[float, int, str] | None:
    host, _, port = arguments[0].rpartition(":") if len(arguments) == 1 else ("", "", "")
    if not port.isdecimal():
        return None
    seconds, problem = check_port(host or "127.0.0.1", int(port))
    return STARTUP + seconds, int(bool(problem)), f"{problem}\n" if problem else ""


def _number(arguments: Sequence[str], default: int) -> int | None:
    if not arguments:
        return default
    return int(arguments[0]) % 256 if arguments[0].isdecimal() else None

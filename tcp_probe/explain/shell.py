"""What is told of a command line without running it. It need not be exact, but never slow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh"}
SHELL_SYNTAX = {"&&", "||", "|", ";", ">", ">>", "<", "2>&1", "&"}
# A longer script is looked at in part.
LONGEST = 10_000
_SEPARATORS = r"&&|\|\||[;|\n]|(?<![<>])&(?![>\d])"
# What is quoted or substituted holds no separator; what is not closed goes on to the end.
_TOKENS = re.compile(
    r"""'[^']*'?|"(?:[^"\\]|\\.)*"?|\\.|\$\([^()]{0,500}\)|[^'"\\$#;|&\n]+"""
    rf"|(?P<comment>(?<!\S)#[^\n]*)|(?P<joint>{_SEPARATORS})|.",
    re.DOTALL,
)
_KEYWORDS = re.compile(r"^((then|do|else|elif|if|while|until|!|\{)(\s+|$)|\(\s*)+")
_ENDS = {"fi", "done", "esac", "}", ")"}
_COMPOUND = {"case", "for", "function", "select", *_ENDS}
_PASS = {"true", ":", "echo", "printf", "pwd", "date", "hostname", "whoami", "uname", "sleep"}
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
# To or from what may not be there to be opened: a file, or a port as bash's /dev/tcp/HOST/PORT.
_REDIRECTED = re.compile(r"[<>](?![<>&]|\s*/dev/(?:null|std\w+))")
# What only starts another program, and how many words of its own it has before that.
_WRAPPERS = {
    "busybox": 0,
    "dumb-init": 0,
    "env": 0,
    "exec": 0,
    "gosu": 1,
    "nice": 0,
    "nohup": 0,
    "su-exec": 1,
    "sudo": 0,
    "time": 0,
    "timeout": 1,
    "tini": 0,
}
# Options of those with a value of their own.
_WITH_VALUE = {"-n", "-k", "-s", "-u"}


@dataclass(frozen=True)
class Simple:
    """One command of a line, and what joins it to the one before and the one after it."""

    text: str
    before: str = ""
    after: str = ""

    @property
    def words(self) -> list[str]:
        """Its words, beginning with the program that does the work."""
        return unwrapped(self.text.split())

    @property
    def program(self) -> str:
        """The name of that program."""
        return name_of(self.words)

    @property
    def sleeps(self) -> float:
        """The seconds of `sleep 5`, `sleep 2m` or `sleep infinity`; 0 for other commands."""
        name, *given = self.program, *self.words[1:]
        if name != "sleep" or len(given) != 1:
            return 0
        if given[0] == "infinity":
            return inf
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", given[0])
        return float(found[1]) * {"m": 60, "h": 3600, "d": 86400}.get(found[2], 1) if found else 0


@dataclass(frozen=True)
class Line:
    """The commands of a line; `compound` where conditions or loops are among them."""

    commands: tuple[Simple, ...]
    compound: bool = False

    @property
    def outcome(self) -> bool | None:
        """Whether it passes whatever its programs find; None where that depends on them."""
        if not self.commands:
            return True
        last = self.commands[-1]
        if self.compound or self.may_leave:
            return None
        if last.after == "&":
            return True
        own = _own_outcome(last, first=len(self.commands) == 1)
        # After `&&` it is not reached where the one before fails, after `||` where that passes.
        undecided = {"&&": True, "||": False}.get(last.before)
        return None if own is undecided else own

    @property
    def sleeps(self) -> float:
        """For how many seconds it sleeps whatever its programs find."""
        if self.compound or self.may_leave:
            return 0
        surely = [each for each in self.commands if each.before != "||" and each.after != "&"]
        return sum(each.sleeps for each in surely)

    @property
    def may_leave(self) -> bool:
        """Whether it may end before its last command."""
        leave = {"exit", "return", "set", "trap"}
        return any(
            each.program in leave or each.text.startswith("exec ") for each in self.commands[:-1]
        )


def _own_outcome(command: Simple, *, first: bool) -> bool | None:
    if command.program == "exit":
        code = command.words[1:]
        if not code:
            return first or None
        return code[0] == "0" if code[0].isdigit() else None
    if command.program == "sleep" and command.before == "||":
        # It may take longer than the check may.
        return None
    if command.program == "false":
        return False
    return (command.program in _PASS and not _REDIRECTED.search(command.text)) or None


def name_of(words: Sequence[str]) -> str:
    """Return the name of a program without its folder; empty where there is none."""
    return words[0].rpartition("/")[2] if words else ""


def unwrapped(words: Sequence[str]) -> list[str]:
    """Leave out what only starts another program: `exec`, `env A=b`, `timeout 5`."""
    rest = list(words)
    while rest:
        own = _WRAPPERS.get(name_of(rest))
        if own is None and not _ASSIGNMENT.fullmatch(rest[0]):
            return rest
        at = 1
        while own is not None and at < len(rest) and rest[at].startswith("-"):
            at += 2 if rest[at] in _WITH_VALUE else 1
        rest = rest[at + (own or 0) :]
    return rest


def script_of(words: Sequence[str]) -> str | None:
    """Return the script that a shell is given by `-c`; None where there is no shell."""
    words = unwrapped(words[:20])
    if name_of(words) not in SHELLS:
        return None
    for index, word in enumerate(words[1:5], 1):
        if re.fullmatch(r"-[a-z]{0,8}c[a-z]{0,8}", word) and index + 1 < len(words):
            return words[index + 1][:LONGEST]
    return None


def line_of(words: Sequence[str]) -> Line:
    """Take a command apart; where no shell reads it, it is one."""
    script = script_of(words)
    if script is None:
        text = " ".join(words)[:LONGEST]
        return Line((Simple(text),) if words else ())
    compound = False
    commands: list[Simple] = []
    for before, part, after in _parts(script):
        text = _KEYWORDS.sub("", part)
        first = text.partition(" ")[0]
        compound = compound or text != part or first in _COMPOUND
        text = text.strip(" \t)}\n")
        if text and first not in _ENDS:
            commands.append(Simple(text, before, after))
    return Line(tuple(commands), compound)


def _parts(script: str) -> Iterator[tuple[str, str, str]]:
    """Part a script where no quote is open; each part with what joins it to its neighbours."""
    before, part = "", ""
    for token in _TOKENS.finditer(script):
        joint = token["joint"]
        if joint and part.strip():
            yield before, part.strip(), joint
            before, part = joint, ""
        elif not (joint or token["comment"]):
            part += token[0]
    if part.strip():
        yield before, part.strip(), ""

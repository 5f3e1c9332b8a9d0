"""What is told of a command line without running it. It need not be exact, but never slow."""

from __future__ import annotations

import re

SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh"}
SHELL_SYNTAX = {"&&", "||", "|", ";", ">", ">>", "<", "2>&1", "&"}
# A longer script is looked at in part.
LONGEST = 10_000
_SEPARATORS = re.compile(r"&&|\|\||[;|\n]|&(?![>\d])")
_KEYWORDS = re.compile(r"^((then|do|else|if|while|until|!|\{|\()\s+)+")


def script_of(words: tuple[str, ...]) -> str | None:
    """Return the script that a shell is given by `-c`; None where there is no shell."""
    names = [word.rpartition("/")[2] for word in words[:2]]
    start = 1 if names[:1] == ["env"] else 0
    if not names[start:] or names[start] not in SHELLS:
        return None
    for index, word in enumerate(words[start + 1 : start + 5], start + 1):
        if re.fullmatch(r"-[a-z]{0,8}c[a-z]{0,8}", word) and index + 1 < len(words):
            return words[index + 1][:LONGEST]
    return None


def simple_commands(words: tuple[str, ...]) -> list[str]:
    """Return the commands of a line, each as text, without the words of the shell."""
    script = script_of(words)
    if script is None:
        return [" ".join(words)[:LONGEST]] if words else []
    parts = (_KEYWORDS.sub("", part.strip(" \t)}\n")) for part in _SEPARATORS.split(script))
    return [part for part in parts if part and part not in ("fi", "done", "esac")]


def plain_command(words: tuple[str, ...]) -> str:
    """Return a command as one line, without the shell around it."""
    return "; ".join(simple_commands(words))

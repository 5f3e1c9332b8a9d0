"""What the commands of a container are given for a secret."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .json_fields import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A shorter value is hardly a secret, and would be found in every second word.
SHORTEST = 4
# shlex takes the square of the time for a word of twice the length.
_LONGEST_LINE = 1 << 16
_BETWEEN = re.compile(r"""[\s;&|()<>'"]+""")
_COMMANDS = (
    *((f"{kind}Probe", "exec", "command") for kind in ("startup", "liveness", "readiness")),
    *(("lifecycle", hook, "exec", "command") for hook in ("postStart", "preStop")),
)
_OPTION = re.compile(r"(?s)([\w.-]+)(?:=(.*))?")
# The clients that checks like, by the letter after which they take the password.
_PASSWORD_LETTERS = {
    **dict.fromkeys(("redis-cli", "valkey-cli"), "-a"),
    **dict.fromkeys(("mysql", "mysqladmin", "mariadb", "mariadb-admin", "mongosh"), "-p"),
    "curl": "-u",
    **dict.fromkeys(("&&", "||", "|", ";"), ""),
}
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SECRET = re.compile(
    r"(?:passw(?:or)?ds?|passphrases?|pwds?|(?<![a-z])(?:require)?pass|secrets?|tokens?|credentials?"
    r"|creds?|dsns?|rediscli_auth|(?:api|access|private)[_-]?keys?)(?![a-z])"
)
# What an option tells of a secret, by the last word of its name, without being one.
_ABOUT = re.compile(
    r"[\w.-]+[_.-](?:files?|paths?|dir|directory|folder|mount|names?|ur[li]|host|port|endpoint|ttl"
    r"|age|expiry|lifetime|timeout|interval|seconds|minutes|hours|days|length|size|limit|count|rate"
    r"|budget|type|kind|format|algorithm|version|prefix|header|env|var|module|class|provider|backend"
    r"|service|server|store|manager|policy|through|enabled|required)"
)
HARMLESS = re.compile(r"(?i)[-+]?\d+(?:\.\d+)?(?:s|m|h|Mi|Gi)?|true|false|yes|no|none|on|off")
_REFERENCE = re.compile(r"(?s)\$(?:[A-Z_][A-Z0-9_]*|\{\w+\}|\(.*)?")
_FALLBACK = re.compile(r"(?s)\$\{\w+:?[-=](.*)\}")
# In small letters: what is random and happens to have slashes, as Base64 may, has others, too.
_PATH = re.compile(
    r"(?:~|\.{0,2})(?:/[a-z0-9._-]+){2,}|[a-z0-9./_-]+\.(?:pem|key|crt|json|ya?ml|txt|env|ini|toml)"
)


def given_secrets(container: Any) -> set[str]:
    """Return each value that stands for a secret in a command: of the container, a probe or a hook.

    It is one that the name of its option or variable says to be one, as in `--password X`,
    `--token=X` or `API_KEY=X`. A path, a reference such as `$TOKEN` and what only tells of a
    secret, as in `--token-ttl 300`, are none.

    >>> given_secrets({"args": ["--token-file", "/run/token", "--token=T0ps3cret"]})
    {'T0ps3cret'}
    """
    started = [*texts(container, "command"), *texts(container, "args")]
    commands = [started, *(texts(container, *path) for path in _COMMANDS)]
    lines = [_shell_words(word) for words in commands for word in words]
    return {value for words in (*commands, *lines) for value in _given(words)}


def _given(words: Sequence[str]) -> Iterator[str]:
    for name, given in _options(words):
        fallback = _FALLBACK.fullmatch(given)
        value = (fallback[1] if fallback else given).strip("\"';,)")
        if len(value) >= SHORTEST and is_secret(name, value):
            yield from (value, *value.splitlines())


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    letter = ""
    for word, following in pairwise([*words, ""]):
        letter = _PASSWORD_LETTERS.get(word.rpartition("/")[2], letter)
        option = _OPTION.fullmatch(word)
        if letter and word.startswith(letter):
            yield "--password", word.removeprefix(letter) or following
        elif option and option[2] is not None:
            yield option[1], option[2]
        elif option and word.startswith("-") and not following.startswith("-"):
            yield word, following


def is_secret(name: str, value: str) -> bool:
    """Say whether the name of an option or a variable says that its value is a secret."""
    words = _HUMP.sub("-", name).lower()
    *_, found = [None, *_SECRET.finditer(words)]
    if found is None or _ABOUT.fullmatch(words):
        return False
    if _PATH.fullmatch(value) or _REFERENCE.fullmatch(value):
        return False
    # `--password 123456`, but neither `--max-tokens 4096` nor `--token=true`.
    is_one = found.end() == len(words) and found[0] != "tokens"
    return not HARMLESS.fullmatch(value) or (is_one and value.isdecimal())


def _shell_words(line: str) -> list[str]:
    """Take a line apart as a shell does, as far as it is one."""
    if len(line) <= _LONGEST_LINE:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        with suppress(ValueError):
            return list(lexer)
    return _BETWEEN.split(line)

"""Rules about the commands that probes and hooks run, and the container's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .shell import SHELL_SYNTAX, plain_command, script_of, simple_commands

if TYPE_CHECKING:
    from .case import Case, Command, Rule

# What imports or starts so much that a second is not enough on a busy node.
HEAVY = re.compile(
    r"(^|[\s/])(celery|airflow|kubectl|java|node|npm|npx|rails|rake|bundle|php|dotnet"
    r"|rabbitmqctl|rabbitmq-diagnostics|manage\.py|python[\d.]*)(\s|$)"
)
LIGHT = re.compile(r"(^|\s)(tcp_probe|tcp-probe)\s+check(\s|$)|python[\d.]*\s+(-V|--version)")
# It imports the application, asks the workers through the broker and waits a second for them.
INSPECTS = re.compile(r"(^|[\s/])celery\s.*\b(inspect|status)\b")
ENOUGH_TO_INSPECT = 10
ENOUGH_TO_IMPORT = 2
# What a shell does itself, without starting a program.
BUILTINS = re.compile(
    r"\.|:|\[\[?|break|case|cd|command|continue|do|echo|esac|eval|exec|exit|export|false|fi|for|if|kill"
    r"|let|local|printf|pwd|read|return|set|shift|source|test|trap|true|type|ulimit|umask|unset|wait"
)
CURL_FAILS = re.compile(r"(^|\s)(-[a-zA-Z]*f[a-zA-Z]*|--fail(-with-body)?|--fail-early)(\s|$)")


def not_a_command(case: Case) -> Rule:
    """Find lines for a shell that no shell reads: there is no program of that name."""
    for command in case.commands:
        first, *rest = command.words
        if not rest and len(first.split()) > 1:
            reason = (
                f"there is no program named {first[:40]!r}: the check cannot be made and counts "
                "for nothing, a hook fails"
            )
            yield command.field, reason, "each word by itself, or: sh, -c, the line"
        elif script_of(command.words) is None and any(word in SHELL_SYNTAX for word in rest):
            word = next(word for word in rest if word in SHELL_SYNTAX)
            reason = f"no shell reads {word!r}: {first} gets it as an argument"
            yield command.field, reason, "sh, -c, the line"


def never_passes(case: Case) -> Rule:
    """Find commands that fail whatever the worker does, or that end too late to pass."""
    for command in case.commands:
        last = (simple_commands(command.words) or [""])[-1].split()
        if last[:1] == ["false"] or (last[:1] == ["exit"] and last[1:] not in ([], ["0"])):
            yield command.field, "this command always fails", "a command that asks the worker"
        elif command.probe and _sleeps(command) >= command.probe.timeout:
            reason = f"it sleeps longer than its timeout of {command.probe.timeout} s"
            yield command.field, reason, "a longer timeoutSeconds, or no sleep"


def always_passes(case: Case) -> Rule:
    """Find probes that pass whatever the worker does."""
    for command in case.commands:
        last = (simple_commands(command.words) or [""])[-1].split()
        passes = last[:1] in (["true"], [":"], ["echo"]) or last == ["exit", "0"]
        if command.probe and passes and _sleeps(command) < command.probe.timeout:
            reason = "this command always passes: whatever becomes of the worker, nothing is seen"
            yield command.field, reason, "a command that asks the worker"


def heavy_exec(case: Case) -> Rule:
    """Find commands that need longer to start than their timeout."""
    for command in case.commands:
        if command.probe:
            timeout, line = command.probe.timeout, plain_command(command.words)
            inspects = INSPECTS.search(line) is not None
            enough = ENOUGH_TO_INSPECT if inspects else ENOUGH_TO_IMPORT
            heavy = HEAVY.search(line)
            if heavy and timeout < enough and not LIGHT.search(line):
                what = "celery inspect" if inspects else heavy.group().strip(" /")
                reason = (
                    f"{what} starts anew for every check, imports included, and has {timeout} s: "
                    "on a busy node that is not enough"
                )
                yield command.field, reason, f"timeoutSeconds of {enough} or more, or a tcpSocket"


def curl_without_fail(case: Case) -> Rule:
    """Find calls of curl that pass whatever the status is."""
    for command in case.commands:
        for simple in simple_commands(command.words):
            if re.match(r"(exec\s+)?(\S*/)?curl\s", simple) and not CURL_FAILS.search(simple):
                reason = "curl without -f ends with 0 on a 500, too: the check passes"
                yield command.field, reason, "curl -f, or an httpGet probe"


def shell_without_exec(case: Case) -> Rule:
    """Find shells that stay between kubelet and what they have started."""
    for command in case.commands:
        if any(map(_is_child, _scripted(command.words))):
            reason = (
                "the timeout ends the shell, not what it has started: that goes on, and while it "
                "holds the output kubelet waits for it"
            )
            yield command.field, reason, "exec before the last command of the line, or no shell"
    words, field = case.workload.command, case.container.get("command")
    scripted = _scripted(words)
    if field and any(map(_is_child, scripted[-1:])) and "trap" not in (script_of(words) or ""):
        reason = (
            "as PID 1 the shell gets SIGTERM and does not pass it on: the worker runs on until "
            "SIGKILL"
        )
        yield field, reason, "exec before the last command of the line"


def ends_by_itself(case: Case) -> Rule:
    """Find containers that end soon although they are restarted whenever they do."""
    words, field = case.workload.command, case.container.get("command")
    if field and case.restart_policy == "Always":
        last = (simple_commands(words) or [""])[-1].split()
        program = last[0].rpartition("/")[2] if last else ""
        if program in ("true", "false", "echo", "date", "ls", "exit") or _seconds(last):
            reason = "it ends by itself, is started again, and ends up in CrashLoopBackOff"
            yield field, reason, "a Job, or a command that goes on"


def _scripted(words: tuple[str, ...]) -> list[str]:
    """Return the commands that a shell is given; none where there is no shell."""
    return [] if script_of(words) is None else simple_commands(words)


def _is_child(simple: str) -> bool:
    """Say whether the shell starts another program for this command, and waits for it."""
    program = simple.split(maxsplit=1)[0] if simple.split() else ""
    return bool(program) and not BUILTINS.fullmatch(program) and "=" not in program


def _sleeps(command: Command) -> float:
    return sum(_seconds(simple.split()) for simple in simple_commands(command.words))


def _seconds(words: list[str]) -> float:
    """Return for how long `sleep 5` or `sleep 2m` sleeps; 0 for other commands."""
    if len(words) != 2 or words[0].rpartition("/")[2] != "sleep":  # noqa: PLR2004 - sleep and its argument
        return 0
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", words[1])
    return float(found[1]) * {"m": 60, "h": 3600, "d": 86400}.get(found[2], 1) if found else 0

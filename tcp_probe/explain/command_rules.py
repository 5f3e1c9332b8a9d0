"""Rules about the commands that probes and hooks run, and the container's own."""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING

from .shell import SHELL_SYNTAX, line_of, name_of, script_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .case import Case, Rule
    from .shell import Simple

# What imports or starts so much that a second is not enough on a busy node.
HEAVY = re.compile(
    r"airflow|aws|bundle|celery|conda|dotnet|gcloud|java|kafka-[\w-]+(\.sh)?|kubectl|manage\.py"
    r"|mongosh|node|nodetool|npm|npx|php|pipenv|poetry|pypy[\d.]*|python[\d.]*|rabbitmqctl"
    r"|rabbitmq-diagnostics|rails|rake|ruby|uv|yarn"
)
ASSIGNMENT = re.compile(r"\w+=(?!\$\().*")
SUBSTITUTED = re.compile(r"\$\(|`")
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
# Programs to which a word of the shell means something of their own.
TAKE_SYNTAX = {"[", "awk", "expr", "find", "test"}
CURL_FAILS = re.compile(r"(^|\s)(-[a-zA-Z]*f[a-zA-Z]*|--fail(-with-body)?|--fail-early)(\s|$)")


def not_a_command(case: Case) -> Rule:
    """Find lines for a shell that no shell reads: there is no program of that name."""
    for command in case.commands:
        first, *rest = command.words
        # A path of Windows may have spaces.
        if not rest and len(first.split()) > 1 and "\\" not in first:
            reason = (
                f"there is no program named {first[:40]!r}: the check cannot be made and counts "
                "for nothing, a hook fails"
            )
            yield command.field, reason, "each word by itself, or: sh, -c, the line"
        elif (
            script_of(command.words) is None
            and name_of(unwrapped(command.words)) not in TAKE_SYNTAX
        ):
            word = next((word for word in rest if word in SHELL_SYNTAX), None)
            if word:
                reason = f"no shell reads {word!r}: {first} gets it as an argument"
                yield command.field, reason, "sh, -c, the line"


def never_passes(case: Case) -> Rule:
    """Find commands that fail whatever the worker does, or that end too late to pass."""
    for command in case.commands:
        if line_of(command.words).outcome is False:
            yield command.field, "this command always fails", "a command that asks the worker"
        elif command.probe and line_of(command.words).sleeps >= command.probe.timeout:
            reason = f"it sleeps longer than its timeout of {command.probe.timeout} s"
            yield command.field, reason, "a longer timeoutSeconds, or no sleep"


def always_passes(case: Case) -> Rule:
    """Find probes that pass whatever the worker does."""
    for command in case.commands:
        passes = line_of(command.words).outcome
        if command.probe and passes and line_of(command.words).sleeps < command.probe.timeout:
            reason = "this command always passes: whatever becomes of the worker, nothing is seen"
            yield command.field, reason, "a command that asks the worker"


def heavy_exec(case: Case) -> Rule:
    """Find commands that need longer to start than their timeout."""
    for command in case.commands:
        if command.probe:
            timeout, heavy = command.probe.timeout, _heaviest(command.words)
            inspects = heavy == "celery inspect"
            enough = ENOUGH_TO_INSPECT if inspects else ENOUGH_TO_IMPORT
            if heavy and timeout < enough:
                reason = (
                    f"{heavy} starts anew for every check, imports included, and has {timeout} s: "
                    "on a busy node that is not enough"
                )
                yield command.field, reason, f"timeoutSeconds of {enough} or more, or a tcpSocket"


def curl_without_fail(case: Case) -> Rule:
    """Find calls of curl that pass whatever the status is."""
    for command in case.commands:
        for each in line_of(command.words).commands:
            # What it is piped into may look at the page.
            if each.program == "curl" and each.after != "|" and not CURL_FAILS.search(each.text):
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
        line = line_of(words)
        if line.commands and not line.compound and all(map(_ends_soon, line.commands)):
            reason = "it ends by itself, is started again, and ends up in CrashLoopBackOff"
            yield field, reason, "a Job, or a command that goes on"


def _ends_soon(simple: Simple) -> bool:
    soon = {"true", "false", "echo", "date", "ls", "exit"}
    return simple.program in soon or 0 < simple.sleeps < inf


def _heaviest(words: Sequence[str]) -> str:
    """Return what of a command line takes long to start; nothing where nothing does."""
    found = ""
    for each in line_of(words).commands:
        for part in () if LIGHT.search(each.text) else SUBSTITUTED.split(each.text):
            program = name_of(unwrapped(part.split()))
            if HEAVY.fullmatch(program):
                found = program
                if INSPECTS.search(part):
                    return "celery inspect"
    return found


def _scripted(words: Sequence[str]) -> Sequence[Simple]:
    """Return the commands that a shell is given; none where there is no shell."""
    return () if script_of(words) is None else line_of(words).commands


def _is_child(simple: Simple) -> bool:
    """Say whether the shell starts another program for this command, and waits for it."""
    program = next((word for word in simple.text.split() if not ASSIGNMENT.fullmatch(word)), "")
    # What a variable is set to is not the output that kubelet reads.
    return bool(program) and "=$(" not in program and not BUILTINS.fullmatch(program)
